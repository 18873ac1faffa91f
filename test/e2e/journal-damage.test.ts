import {
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import { openBox, type DaemonBox } from "../support/daemon-box.ts";

const SOON_MS = 30_000;

interface Status {
  readonly alarms: readonly { alarm: string; message: string }[];
  readonly journal: { readonly id: string; readonly last_seq: number };
}

async function statusOf(box: DaemonBox): Promise<Status> {
  return JSON.parse((await box.cli("status", "--json")).stdout) as Status;
}

const journalOf = (box: DaemonBox) => join(box.dataDir, "journal.db");
const witnessOf = (box: DaemonBox) => join(box.dataDir, "journal.witness.json");

function edit(path: string, sql: string): void {
  const db = new Database(path);
  db.exec(sql);
  db.close();
}

async function runOne(box: DaemonBox): Promise<void> {
  expect(await box.cli("submit", "--wait", "--", "true")).toMatchObject({ code: 0 });
}

describe("a dispatcher starts on a journal that lacks records, under a new id, and says so", () => {
  it.each<[string, (box: DaemonBox) => void]>([
    ["an older copy", (box) => copyFileSync(`${journalOf(box)}.copy`, journalOf(box))],
    ["no file", (box) => rmSync(journalOf(box))],
    ["a file of no length", (box) => truncateSync(journalOf(box), 0)],
    ["a torn witness", (box) => truncateSync(witnessOf(box), 30)],
  ])("%s", async (_what, damage) => {
    const box = openBox();
    await box.start();
    await runOne(box);
    expect(await box.endBy("SIGTERM")).toBe(0);
    copyFileSync(journalOf(box), `${journalOf(box)}.copy`);
    await box.start();
    await runOne(box);
    const before = (await statusOf(box)).journal;
    expect(await box.endBy("SIGTERM")).toBe(0);
    damage(box);
    await box.start();
    const status = await statusOf(box);
    expect(status.journal.id).not.toBe(before.id);
    expect(status.alarms).toMatchObject([{ alarm: "journal-missing" }]);
    expect(status.alarms[0]?.message).toContain("journal accept");
    expect((await box.cli("status")).stdout).toMatch(/^ALARM +journal-missing for /m);
    const metrics = await (await box.http("GET", "/metrics")).text();
    expect(metrics).toMatch(/dispatchcloud_alarms\{alarm="journal-missing"\} 1/);
    expect(box.log()).toContain("journal lacks records");
    await runOne(box);
    const accept = ["journal", "accept", "--by", "ann", "--reason", "a test"];
    // While it runs, and, where it is killed first, without it.
    await box.kill();
    await box.start();
    expect((await statusOf(box)).alarms).toMatchObject([{ alarm: "journal-missing" }]);
    expect(await box.cli(...accept)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("recorded: by ann, a test"),
    });
    expect((await statusOf(box)).alarms).toEqual([]);
    expect(await box.endBy("SIGTERM")).toBe(0);
    const check = await box.cli("journal", "check", box.dataDir);
    expect(check, check.stdout).toMatchObject({ code: 0 });
    const replay = await box.cli("replay", box.dataDir);
    expect(replay, replay.stderr).toMatchObject({ code: 0 });
  });

  it("a lost write-ahead log; accepted while no dispatcher runs", async () => {
    const box = openBox();
    await box.start();
    await runOne(box);
    const before = (await statusOf(box)).journal;
    await box.until("the witness has caught up", SOON_MS, () =>
      readFileSync(witnessOf(box), "utf8").includes(`"last_seq":${before.last_seq},`),
    );
    await box.kill();
    for (const end of ["-wal", "-shm"]) rmSync(journalOf(box) + end);
    await box.start();
    expect((await statusOf(box)).journal.id).not.toBe(before.id);
    await box.kill();
    const accepted = await box.cli("journal", "accept");
    expect(accepted).toMatchObject({ code: 0, stdout: expect.stringMatching(/recorded: by .+@/) });
    await box.start();
    expect((await statusOf(box)).alarms).toEqual([]);
  });

  it("but a journal that was moved away with its witness is a fresh start", async () => {
    const box = openBox();
    await box.start();
    await runOne(box);
    expect(await box.endBy("SIGTERM")).toBe(0);
    rmSync(journalOf(box));
    rmSync(witnessOf(box));
    await box.start();
    expect((await statusOf(box)).alarms).toEqual([]);
    await box.until("there is a witness", SOON_MS, () => existsSync(witnessOf(box)));
    await box.kill();
    await box.start();
    expect((await statusOf(box)).alarms).toEqual([]);
  });
});

describe("damage before the newest checkpoint is found behind the start", () => {
  const DELETE =
    "DELETE FROM batch WHERE first_seq = (SELECT min(first_seq) FROM batch WHERE first_seq > 2)";
  it.each<[string, (path: string) => void]>([
    ["a deleted batch", (path) => edit(path, DELETE)],
    ["a flipped bit", flipBit],
  ])("%s", async (_what, damage) => {
    const box = openBox({ config: { DispatchCloud: { Journal: { CheckpointRecords: 1 } } } });
    await box.start();
    await runOne(box);
    expect(await box.endBy("SIGTERM")).toBe(0);
    damage(journalOf(box));
    const newest = ask(journalOf(box), "SELECT max(seq) FROM checkpoint");
    await box.start();
    await box.until("it is said", SOON_MS, async () => (await statusOf(box)).alarms.length > 0);
    const [alarm] = (await statusOf(box)).alarms;
    expect(alarm).toMatchObject({ alarm: "journal-damage" });
    expect(alarm?.message).toMatch(/records? \d+.*journal check.*move the file away/);
    const place = Number(/records? (\d+)/.exec(alarm?.message ?? "")?.[1]);
    expect(place).toBeLessThan(Number(newest));
    expect(box.log()).toContain("journal is damaged");
    await runOne(box);
    expect(await box.cli("journal", "check", box.dataDir)).toMatchObject({ code: 1 });
  });
});

function ask(path: string, sql: string): unknown {
  const db = new Database(path, { readonly: true });
  const row = db.prepare(sql).raw().get() as unknown[] | undefined;
  db.close();
  return row?.[0];
}

/** Of one letter in a record, which stays JSON: only its batch's checksum can tell. */
function flipBit(path: string): void {
  const text = '"config.loaded"';
  const batchesWith = (part: string) =>
    Number(ask(path, `SELECT count(*) FROM batch WHERE instr(body, '${part}') > 0`));
  const count = batchesWith(text);
  const bytes = readFileSync(path);
  // In every copy: some lie in pages that are not used any more.
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1))
    bytes[at + 1] = (bytes[at + 1] ?? 0) ^ 4;
  writeFileSync(path, bytes);
  // It is one that is read, and the file's structure does not show it.
  expect(count).toBeGreaterThan(0);
  expect([batchesWith(text), batchesWith('"gonfig.loaded"')]).toEqual([0, count]);
}
