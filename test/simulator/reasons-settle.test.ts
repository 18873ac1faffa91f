import { readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";
import { parse } from "yaml";
import { makeVariants } from "../../src/cli/simulate/variants.ts";
import { readWorkload } from "../../src/cli/simulate/workload-file.ts";
import type { ConfigMap } from "../../src/config/document.ts";
import { makeMemoryStore, openMemoryJournal } from "../../src/drivers/journal/memory.ts";
import { simulateWorkload } from "../../src/simulator/what-if.ts";

vi.setConfig({ testTimeout: 60_000 });

const SIZES = [
  { vcpus: 1, ram: "256MiB" },
  { vcpus: 4, ram: "4000MiB" },
  { vcpus: 2, ram: "2000MiB" },
];

/** Seldom does the next one fit on what has just become free. */
function mixedWorkload(count: number): string {
  const containers = Array.from({ length: count }, (_, n) => ({
    duration: `${1 + ((n * 7) % 8)}s`,
    ...SIZES[(n * n) % SIZES.length],
  }));
  return JSON.stringify({ boot_time: { least: "1s", most: "2s" }, containers });
}

it("60 containers of three sizes behind a MaxInstances of 4 are told once why they are kept back", async () => {
  const file = new URL("../../config/standalone.yml", import.meta.url);
  const { Clusters } = parse(readFileSync(file, "utf8")) as { Clusters: { local: ConfigMap } };
  const base = { name: "standalone.yml", clusterId: "local", cluster: Clusters.local };
  const [variant] = makeVariants(base, { sets: [], others: [] });
  const store = makeMemoryStore("j1");
  await simulateWorkload({
    config: variant!.config,
    workload: readWorkload(mixedWorkload(60), "the workload", 1),
    seed: 1,
    openJournal: () => openMemoryJournal(store),
  });
  const decisions = [...openMemoryJournal(store).read()].flatMap((record) => record.decisions);
  expect(decisions.filter((each) => each.do === "create").length).toBeGreaterThan(10);
  const reasons = decisions.flatMap((each) => (each.do === "wait" ? [each.reason] : []));
  const countOf = (reason: string) => reasons.filter((each) => each === reason).length;
  expect(countOf("atMaxInstances")).toBe(60);
  expect(countOf("atQuota")).toBe(0);
  expect(countOf("atCapacity")).toBeLessThan(10);
  // Booting, preparing and over, each once.
  expect(reasons.length).toBeLessThan(60 * 4 + 10);
});
