import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { makeMetrics } from "../../src/telemetry/metrics.ts";

const PAGE = new URL("../../docs/metrics.md", import.meta.url);
const INFO = { version: "1", configSha256: "", configSourceAtMs: 0, configLoadedAtMs: 0 };

interface Registered {
  readonly name: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

/** As a row of the page tells it: name, type, labels in any order. */
const asRow = ({ name, type, labelNames }: Registered): string =>
  [name, type, ...labelNames.filter((label) => label !== "quantile").sort()].join(" ");

async function rowsOfPage(): Promise<string[]> {
  const lines = (await readFile(PAGE, "utf8")).split("\n");
  return lines.flatMap((line) => {
    const [, name, type, labels] = line.split("|").map((cell) => cell.trim());
    if (!name?.startsWith("`") || type === undefined) return [];
    const labelNames = [...(labels ?? "").matchAll(/`(\w+)`/g)].map(([, label]) => label as string);
    return [asRow({ name: name.replaceAll("`", ""), type, labelNames })];
  });
}

describe("docs/metrics.md", () => {
  it("lists every metric with its type and labels, and no other", async () => {
    const { registry } = makeMetrics(INFO, () => {
      throw new Error("nobody scrapes here");
    });
    const registered = registry.getMetricsAsArray() as unknown as Registered[];
    expect((await rowsOfPage()).sort()).toEqual(registered.map(asRow).sort());
  });
});
