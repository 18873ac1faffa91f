import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { makeTempDir } from "../cli/test-io.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** The built demo on a data directory of its own, so that what is left of it can be told from others'. */
function startDemo(...flags: string[]) {
  const dataDir = join(makeTempDir(), "data");
  const child = spawn(process.execPath, [MAIN, "demo", "--data-dir", dataDir, ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
  }
  const exited = once(child, "close").then(([code]) => code as number);
  return { dataDir, child, exited, texts };
}

/** Command lines of processes that belong to the demo: its folder is among their arguments or is where they run. */
function processesOf(dataDir: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, "utf8") +
          readFileSync(`/proc/${pid}/environ`, "utf8")
        );
      } catch {
        return "";
      }
    })
    .filter((text) => text.includes(dataDir));
}

describe("the demo", () => {
  it("runs its batch in less than a minute, sums up, and leaves nothing running", async () => {
    const { dataDir, exited, texts } = startDemo();
    const startedMs = performance.now();
    expect({ code: await exited, stderr: texts.stderr }).toEqual({ code: 0, stderr: "" });
    expect(performance.now() - startedMs).toBeLessThan(60_000);
    expect(texts.stdout).toContain("containers  14: 12 succeeded, 1 cancelled, 1 failed (exit 3)");
    const counts = /^workers +(\d+) asked for, (\d+) booted, (\d+) destroyed/m.exec(texts.stdout);
    const [asked = 0, booted = 0, destroyed = 0] = (counts ?? []).slice(1).map(Number);
    expect(destroyed).toBe(asked);
    // One that turns out not to be needed may be destroyed before it has booted.
    expect(booted).toBeGreaterThan(0);
    expect(booted).toBeLessThanOrEqual(asked);
    expect(processesOf(dataDir)).toEqual([]);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "leaves nothing running when %s comes in the middle",
    async (signal) => {
      const { dataDir, child, exited, texts } = startDemo();
      await expect.poll(() => texts.stdout, { timeout: 30_000 }).toMatch(/[1-9] running/);
      expect(processesOf(dataDir).length).toBeGreaterThan(1);
      child.kill(signal);
      expect(await exited).toBe(1);
      expect(texts.stderr).toContain("interrupted; nothing is left running");
      expect(processesOf(dataDir)).toEqual([]);
    },
  );

  it("--keep stays up with its page, and ends well with Ctrl-C", async () => {
    const { dataDir, child, exited, texts } = startDemo("--keep");
    const page = /The dispatcher stays up\. Its page is (http:\S+);/;
    await expect.poll(() => texts.stdout, { timeout: 60_000 }).toMatch(page);
    const answer = await fetch(page.exec(texts.stdout)?.[1] ?? "");
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      200,
      "text/html; charset=utf-8",
    ]);
    child.kill("SIGINT");
    expect(await exited).toBe(0);
    expect(processesOf(dataDir)).toEqual([]);
  });

  it("refuses a data directory that holds something", async () => {
    const folder = fileURLToPath(new URL(".", import.meta.url));
    const child = spawn(process.execPath, [MAIN, "demo", "--data-dir", folder]);
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    expect((await once(child, "close"))[0]).toBe(1);
    expect(stderr).toContain("is not empty");
  });
});
