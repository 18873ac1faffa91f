import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recoverCore } from "../../src/actors/recover.ts";
import { Timeline } from "../../src/actors/timeline/timeline.ts";
import { EXIT } from "../../src/cli/exit-code.ts";
import type { Journal } from "../../src/drivers/journal/port.ts";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import { makeLogger } from "../../src/telemetry/logger.ts";
import { runCli } from "../cli/test-io.ts";

const here = new URL(".", import.meta.url);
const names = readdirSync(here).filter((name) => name.endsWith(".db.gz"));
const dir = mkdtempSync(join(tmpdir(), "earlier-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("journals of earlier versions (test/journals/README.md)", () => {
  it("are there", () => {
    expect(names.length).toBeGreaterThan(0);
  });

  describe.each(names)("%s", (name) => {
    const path = join(dir, name.replace(/\.gz$/, ""));
    let journal: Journal;
    let containers: string[] = [];
    let workers: string[] = [];

    beforeAll(() => {
      writeFileSync(path, gunzipSync(readFileSync(new URL(name, here))));
      journal = openJournal({ path, mode: "read", nowMs: () => 0 });
      const records = [...journal.read()];
      const started = records.flatMap(({ decisions }) =>
        decisions.flatMap((each) => (each.do === "start" ? [each] : [])),
      );
      containers = [...new Set(started.map(({ container }) => container))];
      workers = [...new Set(started.map(({ worker }) => worker))];
    });
    afterAll(() => journal.close());

    it("is in order, as a whole", async () => {
      const { exitCode, stdout } = await runCli(["journal", "check", path]);
      expect(stdout).toMatch(/: all in order\n$/);
      expect(exitCode).toBe(EXIT.ok);
    });

    it("is what a start goes on from, by what was decided then", () => {
      const problems: string[] = [];
      const log = makeLogger({
        level: "warn",
        format: "json",
        pid: 1,
        clusterId: "",
        redact: (text) => text,
        nowMs: () => 0,
        write: (line) => void problems.push(line),
      });
      const { core, isWhole } = recoverCore(journal, log);
      expect(problems).toEqual([]);
      expect(isWhole).toBe(true);
      expect(core.seq).toBe(journal.lastSeq);
      expect(core.settings).toBeDefined();
    });

    it("decides the same anew, or tells that another version of the deciding code decided", async () => {
      const { exitCode, stdout, stderr } = await runCli(["replay", path]);
      expect([EXIT.ok, EXIT.otherCode], stdout + stderr).toContain(exitCode);
      if (exitCode === EXIT.otherCode) expect(stdout + stderr).toMatch(/version/);
    });

    it("explains what ran, and where", async () => {
      for (const id of [...containers.slice(0, 5), ...workers.slice(0, 5)]) {
        const { exitCode, stdout, stderr } = await runCli(["explain", "--journal", path, id]);
        expect({ exitCode, stderr }, id).toEqual({ exitCode: EXIT.ok, stderr: "" });
        expect(stdout).toContain(id);
      }
    });

    it("shows lives, and all workers side by side", async () => {
      const pause = async (): Promise<void> => {};
      const timeline = new Timeline({ journal, recordsMax: 10_000, pause });
      for (const id of [containers[0] ?? "", workers[0] ?? ""]) {
        const history = await timeline.history(id, { keepNoise: true });
        expect(history?.marks.length, id).toBeGreaterThan(0);
      }
      const { firstAtMs, lastAtMs } = timeline.bounds();
      const lanes = await timeline.lanes({
        fromMs: firstAtMs ?? 0,
        toMs: lastAtMs ?? 0,
        binsCount: 10,
      });
      expect(lanes.lanes.map(({ workerId }) => workerId)).toEqual(
        expect.arrayContaining(workers.slice(0, 5)),
      );
    });
  });
});
