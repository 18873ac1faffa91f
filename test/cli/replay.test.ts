import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { summarize, medianOf } from "../../src/cli/summary.ts";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import { CODE_VERSION } from "../../src/machines/core/core.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import { CONTAINERS_COUNT, copyJournal, RUN_MS, writeSampleJournal } from "./sample-journal.ts";
import { makeTempDir, runCli } from "./test-io.ts";

let dataDir: string;
let path: string;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "replay-"));
  path = await writeSampleJournal(dataDir);
}, 60_000);
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const reading = { mode: "read" as const, nowMs: () => 0 };

function recordsOf(journalPath: string): JournalRecord[] {
  const journal = openJournal({ path: journalPath, ...reading });
  const records = [...journal.read()];
  void journal.close();
  return records;
}

/** The sample with a decision's reason changed, as if other code had taken it. */
async function writeForged(version: string): Promise<{ forged: string; seq: number }> {
  const forged = join(makeTempDir(), "journal.db");
  const seq = recordsOf(path).find(({ decisions }) => decisions.length > 0)?.seq ?? 0;
  await copyJournal(path, forged, (record) => {
    if (record.fact.type === "daemon.started") {
      return { ...record, fact: { ...record.fact, version } };
    }
    if (record.seq !== seq) return record;
    return {
      ...record,
      decisions: record.decisions.map((each) => ({ ...each, reason: "forged" }) as typeof each),
    };
  });
  return { forged, seq };
}

describe("replay", () => {
  it("arrives at the end of the journal, agrees with all of it, and leaves the file as it is", async () => {
    const before = readFileSync(path);
    const { exitCode, stdout, stderr } = await runCli(["replay", path]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const last = recordsOf(path).at(-1)?.seq;
    expect(stdout).toContain(`to seq ${last}: all as recorded`);
    expect(stdout).toMatch(/^supervisor {2}dispatching$/m);
    expect(stdout).toMatch(/^workers {5}none$/m);
    expect(stdout).toMatch(/^checksum {4}[0-9a-f]{64}$/m);
    expect(readFileSync(path)).toEqual(before);
  });

  it("takes a data directory for the journal in it", async () => {
    const [byFile, byFolder] = await Promise.all([
      runCli(["replay", "--json", path]),
      runCli(["replay", "--json", dataDir]),
    ]);
    expect(byFolder).toEqual(byFile);
  });

  it("stops at a record and at a time, in the same state for the same place", async () => {
    const [record] = recordsOf(path).filter(({ fact }) => fact.type === "create.succeeded");
    const { seq, fact } = record!;
    const replay = async (until: string) =>
      JSON.parse((await runCli(["replay", "--json", "--until", until, path])).stdout);
    const atSeq = await replay(String(seq));
    expect(atSeq.seq).toBe(seq);
    expect(atSeq.workers.some((each: { instance: string }) => each.instance !== "")).toBe(true);
    expect(Object.values(atSeq.containers)).not.toHaveLength(0);
    const atTime = await replay(new Date(fact.atMs).toISOString());
    expect(atTime.seq).toBeGreaterThanOrEqual(seq);
    expect(atTime.at).toBe(atSeq.at);
    expect((await replay(String(atTime.seq))).checksum).toBe(atTime.checksum);
    expect((await replay("1970-01-01T00:00:00Z")).seq).toBe(0);
  });

  it("arrives at the same state from the beginning and from every checkpoint", async () => {
    const { exitCode, stdout } = await runCli(["replay", "--from-checkpoints", "--json", path]);
    expect(exitCode).toBe(0);
    const { runs, checksum, difference } = JSON.parse(stdout);
    expect(difference).toBeNull();
    expect(runs.length).toBeGreaterThan(2);
    for (const run of runs) expect(run.checksum).toBe(checksum);
  });

  it("names the first difference and exits 1", async () => {
    const { forged, seq } = await writeForged(CODE_VERSION);
    const { exitCode, stdout, stderr } = await runCli(["replay", "--json", forged]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`seq ${seq}: decisions differ`);
    expect(stderr).toContain('"reason":"forged"');
    const { difference, seq: end } = JSON.parse(stdout);
    expect(difference).toMatchObject({ seq, what: "decisions" });
    expect(difference.recorded[0].reason).toBe("forged");
    expect(difference.replayed[0].reason).not.toBe("forged");
    expect(end).toBe(seq);
  });

  it("exits 3 when other code recorded what differs, and 0 when nothing does", async () => {
    const { forged, seq } = await writeForged("0-other");
    const outcome = await runCli(["replay", forged]);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.stderr).toContain(`seq ${seq} was recorded by version 0-other`);
    const agreeing = join(makeTempDir(), "journal.db");
    await copyJournal(path, agreeing, (record) =>
      record.fact.type === "daemon.started"
        ? { ...record, fact: { ...record.fact, version: "0-other" } }
        : record,
    );
    expect((await runCli(["replay", agreeing])).exitCode).toBe(0);
  });

  it("exits 3 at a checkpoint that other code made, 1 at one that is not what the records come to", async () => {
    const copy = join(makeTempDir(), "journal.db");
    copyFileSync(path, copy);
    const journal = openJournal({ path: copy, mode: "write", nowMs: () => 0, ballastBytes: 0 });
    const { seq, state } = journal.checkpoint()!;
    const forged = JSON.parse(state);
    forged.limits.maxContainers += 1;
    await journal.saveCheckpoint({ seq, code: CODE_VERSION, state: JSON.stringify(forged) });
    await journal.close();
    const unlike = await runCli(["replay", "--from-checkpoints", copy]);
    expect(unlike.exitCode).toBe(1);
    expect(unlike.stderr).toContain(`seq ${seq}: checkpoint differ`);
    expect(unlike.stderr).toContain("/limits/maxContainers");

    const other = openJournal({ path: copy, mode: "write", nowMs: () => 0, ballastBytes: 0 });
    await other.saveCheckpoint({ seq, code: "0-other", state });
    await other.close();
    const foreign = await runCli(["replay", "--from-checkpoints", copy]);
    expect(foreign.exitCode).toBe(3);
    expect(foreign.stderr).toContain(`the checkpoint at seq ${seq} was made by version 0-other`);
  });

  it("begins with a checkpoint where the beginning was pruned", async () => {
    const copy = join(makeTempDir(), "journal.db");
    copyFileSync(path, copy);
    expect((await runCli(["journal", "prune", "--max-age", "0", copy])).stdout).toMatch(
      /^removed [1-9]\d* records\n$/,
    );
    const [whole, rest] = await Promise.all(
      [path, copy].map(async (each) =>
        JSON.parse((await runCli(["replay", "--json", each])).stdout),
      ),
    );
    expect(rest.runs[0].start_seq).toBeGreaterThan(0);
    expect(rest.checksum).toBe(whole.checksum);
    const early = await runCli(["replay", "--until", "1", copy]);
    expect(early.exitCode).toBe(1);
    expect(early.stderr).toContain("were pruned");
  });

  it.each([
    [["replay", "--until", "yesterday", "x"], 2, 'found "yesterday"'],
    [["replay"], 2, "expected JOURNAL"],
    [["replay", "/does/not/exist"], 1, "no journal at /does/not/exist"],
    [["replay", import.meta.filename], 1, import.meta.filename],
  ])("%j exits %d", async (args, exitCode, message) => {
    const outcome = await runCli(args);
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.stderr).toContain(message);
  });
});

describe("journal", () => {
  it("stats tells how much it holds, for people and as JSON", async () => {
    const records = recordsOf(path);
    const { stdout } = await runCli(["journal", "stats", "--json", path]);
    expect(JSON.parse(stdout)).toMatchObject({
      records: records.length,
      first_seq: 1,
      last_seq: records.length,
      format_version: 1,
    });
    expect((await runCli(["journal", "stats", dataDir])).stdout).toContain(
      `seq          1 to ${records.length}`,
    );
  });

  it("export prints the records of a range, one a line, as they were written", async () => {
    const args = ["journal", "export", "--from", "2", "--to", "4", path];
    const lines = (await runCli(args)).stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(recordsOf(path).slice(1, 4));
    const bad = await runCli(["journal", "export", "--from", "two", path]);
    expect(bad).toMatchObject({ exitCode: 2, stdout: "" });
  });

  it("check finds a good journal in order, and a damaged one not", async () => {
    const good = await runCli(["journal", "check", path]);
    expect(good).toMatchObject({ exitCode: 0, stderr: "" });
    expect(good.stdout).toContain("all in order");
    const copy = join(makeTempDir(), "journal.db");
    copyFileSync(path, copy);
    expect(await runCli(["journal", "check", "--rebuild-index", copy])).toMatchObject({
      exitCode: 0,
    });
    const bad = await runCli(["journal", "check", "--json", import.meta.filename]);
    expect(bad.exitCode).toBe(1);
    expect(JSON.parse(bad.stdout).problems[0]).toMatchObject({ code: "notAJournal" });
  });

  it("prune wants a limit", async () => {
    expect(await runCli(["journal", "prune", path])).toMatchObject({ exitCode: 2 });
    const bad = await runCli(["journal", "prune", "--max-age", "5", path]);
    expect(bad.stderr).toContain('--max-age: found "5", expected a duration');
  });
});

describe("the summary of a run", () => {
  it("counts workers and waits, and puts the prices of whole lives together", () => {
    const journal = openJournal({ path, ...reading });
    const summary = summarize(journal.id, journal.read());
    void journal.close();
    expect(summary.difference).toBeUndefined();
    expect(summary.containersSeen).toBe(CONTAINERS_COUNT);
    expect(summary.waitsMs).toHaveLength(CONTAINERS_COUNT);
    // Every wait has a boot of 30 s in it or more; the first has hardly more.
    expect(summary.waitsMs[0]).toBeGreaterThanOrEqual(30_000);
    expect(medianOf(summary.waitsMs)).toBeGreaterThanOrEqual(summary.waitsMs[0]!);
    expect(summary.workersBooted).toBeGreaterThan(0);
    expect(summary.workersGone).toBe(summary.workersAsked);
    // No worker lives shorter than it takes to boot, run one container and idle; type1 is the cheapest.
    const least = (summary.workersBooted * (30_000 + RUN_MS) * 0.123) / 3_600_000;
    expect(summary.cost).toBeGreaterThan(least);
    expect(summary.cost).toBeLessThan(least * 40);
  });
});
