import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkJournal } from "../../../src/drivers/journal/check.ts";
import { sealMeta } from "../../../src/drivers/journal/meta.ts";
import { openJournal } from "../../../src/drivers/journal/sqlite.ts";
import { openForReading } from "../../../src/drivers/journal/store.ts";
import { describeJournal } from "../../conformance/journal.conformance.ts";
import { appendBatches, makeFilePlace, type FilePlace } from "./place.ts";
import { recordsFrom, START_MS, workerOf } from "./records.ts";

describeJournal("the journal in an SQLite file", makeFilePlace);

let place: FilePlace;
beforeEach(async () => {
  place = await makeFilePlace();
});
afterEach(() => place.remove());

const read = (path = place.path) => openJournal({ path, mode: "read", nowMs: () => START_MS });
const code = (expected: string) =>
  expect.objectContaining({ name: "JournalError", code: expected });

/** The journal as a crash leaves it: its last records in the write-ahead log only. */
async function makeCrashed(name: string): Promise<string> {
  const journal = place.open();
  await appendBatches(journal, 5, 5);
  const copy = join(place.folder, name);
  copyFileSync(place.path, copy);
  copyFileSync(`${place.path}-wal`, `${copy}-wal`);
  copyFileSync(`${place.path}-shm`, `${copy}-shm`);
  await journal.close();
  return copy;
}

describe("opening", () => {
  it("finds the same file by any name", async () => {
    const journal = place.open();
    symlinkSync(place.path, join(place.folder, "link.db"));
    expect(() => place.open({ path: join(place.folder, "link.db") })).toThrow(code("locked"));
    await journal.close();
  });

  it("refuses a second writer in another process, names its holder and the file, and follows a killed one", async () => {
    const script = new URL("./appending-process.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--import", "tsx", script, place.path, "1"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(createInterface(child.stdout), "line");
    expect(() => place.open()).toThrow(
      expect.objectContaining({
        code: "locked",
        message: expect.stringMatching(new RegExp(`journal\\.db .*pid ${child.pid} `)),
      }),
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    const journal = place.open();
    expect(journal.lastSeq).toBeGreaterThan(0);
    await journal.close();
  });

  it.each(["write", "read"] as const)(
    "names an unknown version and the way out (%s)",
    async (mode) => {
      await place.open().close();
      edit("UPDATE meta SET value = '7' WHERE key = 'format_version'", sealMeta);
      const attempt = () => place.open({ mode });
      expect(attempt).toThrow(code("unknownVersion"));
      expect(attempt).toThrow(/format 7.*knows 1 and 2.*release/);
    },
  );

  it.each(["write", "read"] as const)(
    "refuses what is no journal and leaves it alone (%s)",
    async (mode) => {
      writeFileSync(
        place.path,
        "no database at all, but long enough to look like one\n".repeat(40),
      );
      const before = readFileSync(place.path);
      expect(() => place.open({ mode })).toThrow(code("notAJournal"));
      expect(readFileSync(place.path).equals(before)).toBe(true);
      rmSync(place.path);
      edit("CREATE TABLE wine (year INTEGER)");
      const foreign = readFileSync(place.path);
      expect(() => place.open({ mode })).toThrow(code("notAJournal"));
      expect(readFileSync(place.path).equals(foreign)).toBe(true);
    },
  );

  it("names a missing folder, and a missing file when it is to be read", () => {
    const path = join(place.folder, "nowhere", "journal.db");
    expect(() => place.open({ path })).toThrow(/nowhere.*no such folder/);
    expect(() => read()).toThrow(code("notAJournal"));
    expect(() => read()).toThrow(/no journal at .*journal\.db/);
    mkdirSync(place.path);
    expect(() => place.open()).toThrow(/journal\.db/);
    expect(() => read()).toThrow(/journal\.db/);
  });

  it("takes an empty file for a new journal, as a crash at the first start leaves one", async () => {
    writeFileSync(place.path, "");
    const journal = place.open();
    await appendBatches(journal, 2);
    expect([...journal.read()]).toHaveLength(2);
    await journal.close();
  });

  it("opens paths with characters that mean something in a URI", async () => {
    const path = join(place.folder, "50% ü?a=b#c.db");
    const journal = place.open({ path });
    await appendBatches(journal, 3);
    expect([...read(path).read()]).toHaveLength(3);
    await journal.close();
    expect([...read(path).read()]).toHaveLength(3);
    expect(readdirSync(place.folder).every((name) => name.startsWith("50% ü?a=b#c."))).toBe(true);
  });
});

describe("reading a file of somebody else's", () => {
  it("cannot write to it", async () => {
    await place.open().close();
    const store = openForReading(place.path);
    expect(() => store.db.exec("INSERT INTO meta VALUES ('a', 'b')")).toThrow(/readonly/);
    expect(() => store.db.exec("PRAGMA user_version=3")).toThrow(/readonly/);
    const journal = read();
    await expect(journal.append(recordsFrom(1, 1))).rejects.toThrow(code("readOnly"));
    await expect(journal.prune({ nowMs: 0 })).rejects.toThrow(code("readOnly"));
    await expect(journal.rebuildIndex()).rejects.toThrow(code("readOnly"));
    await expect(journal.saveCheckpoint({ seq: 0, code: "", state: "" })).rejects.toThrow(
      code("readOnly"),
    );
    expect(journal.releaseBallast()).toBe(false);
    expect(existsSync(`${place.path}.ballast`)).toBe(true);
  });

  it("leaves a closed journal as it was, with nothing beside it", async () => {
    const journal = place.open({ ballastBytes: 0 });
    await appendBatches(journal, 3, 40);
    await journal.close();
    const before = readFileSync(place.path);
    const names = readdirSync(place.folder);
    expect(names.toSorted()).toEqual(["journal.db", "journal.db.lock", "journal.witness.json"]);
    const reader = read();
    expect([...reader.read()]).toEqual(recordsFrom(1, 43));
    await reader.close();
    expect(checkJournal(place.path).ok).toBe(true);
    expect(readdirSync(place.folder)).toEqual(names);
    expect(readFileSync(place.path).equals(before)).toBe(true);
  });

  it("reads what a crash left in the log, and changes neither", async () => {
    const copy = await makeCrashed("crashed.db");
    const files = () => [copy, `${copy}-wal`].map((name) => readFileSync(name).toString("base64"));
    const before = files();
    const names = readdirSync(place.folder);
    const reader = read(copy);
    expect([...reader.read()]).toEqual(recordsFrom(1, 10));
    await reader.close();
    expect(files()).toEqual(before);
    expect(readdirSync(place.folder)).toEqual(names);
  });

  it("makes no log beside a file that lost its own", async () => {
    const copy = await makeCrashed("alone.db");
    const other = new Database(copy);
    other.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
    other.close();
    const alone = join(place.folder, "sent.db");
    copyFileSync(copy, alone);
    const names = readdirSync(place.folder);
    expect([...read(alone).read()]).toEqual(recordsFrom(1, 10));
    expect(checkJournal(alone)).toMatchObject({ ok: true, records: 10 });
    expect(readdirSync(place.folder)).toEqual(names);
  });

  it("follows a journal that is being written", async () => {
    const journal = place.open();
    await appendBatches(journal, 5);
    const reader = read();
    expect(reader.id).toBe(journal.id);
    expect([...reader.read()]).toEqual(recordsFrom(1, 5));
    await appendBatches(journal, 2, 2);
    expect(reader.lastSeq).toBe(9);
    expect([...reader.read()]).toEqual(recordsFrom(1, 9));
    expect(reader.stats()).toMatchObject({ records: 9, batches: 3, lastSeq: 9 });
    // Half-way through a long read, the writer still gets its turn.
    const iterator = reader.read()[Symbol.iterator]();
    iterator.next();
    await appendBatches(journal, 2);
    expect(checkJournal(place.path)).toMatchObject({ ok: true, records: 11 });
    await reader.close();
    await journal.close();
  });
});

describe("the actor index", () => {
  const key = `worker/${workerOf(1)}`;

  it("is written behind, and completed after a start where a crash left it short", async () => {
    const journal = place.open();
    await appendBatches(journal, 900, 900);
    const all = journal.seqsOf(key);
    await journal.close();
    expect(read().stats().indexedSeq).toBe(1_800);
    edit(
      "DELETE FROM actor_record WHERE seq > 700; UPDATE meta SET value = 700 WHERE key = 'indexed_seq'",
    );
    expect(read().seqsOf(key)).toEqual(all);
    const again = place.open();
    expect(again.seqsOf(key)).toEqual(all);
    await again.close();
    expect(read().stats().indexedSeq).toBe(1_800);
    expect(checkJournal(place.path).problems).toEqual([]);
  });

  it("is checked, and mended by making it anew", async () => {
    const journal = place.open();
    await appendBatches(journal, 50);
    const all = journal.seqsOf(key);
    await journal.close();
    edit(`DELETE FROM actor_record WHERE seq = ${all[1] ?? 0}`);
    expect(checkJournal(place.path).problems).toEqual([
      expect.objectContaining({ code: "badIndex", message: expect.stringContaining("rebuild") }),
    ]);
    const again = place.open();
    await again.rebuildIndex();
    expect(again.seqsOf(key)).toEqual(all);
    await again.close();
    expect(checkJournal(place.path).ok).toBe(true);
  });

  it("reports damage that ends it once, and records go on being kept", async () => {
    const journal = place.open();
    await appendBatches(journal, 10, 10, 10);
    await journal.close();
    edit(`UPDATE batch SET body = replace(body, 'too dear', 'so dear') WHERE first_seq = 11;
      DELETE FROM actor_record; UPDATE meta SET value = 0 WHERE key = 'indexed_seq'`);
    const errors: Error[] = [];
    const again = place.open({ onIndexError: (error) => errors.push(error) });
    for (let turn = 0; turn < 5; turn++) {
      await appendBatches(again, 1);
      await new Promise(setImmediate);
    }
    await again.close();
    expect(errors).toEqual([expect.objectContaining({ code: "badChecksum", seq: 11 })]);
    expect(read().lastSeq).toBe(35);
  });
});

it("gives the space of pruned records back to the file system", async () => {
  const journal = place.open();
  for (let batch = 0; batch < 60; batch++) await appendBatches(journal, 300);
  await journal.saveCheckpoint({ seq: 18_000, code: "v1", state: "{}" });
  await journal.rebuildIndex();
  const before = journal.stats();
  const removed = await journal.prune({ maxBytes: before.bytes / 4, nowMs: START_MS });
  expect(removed).toBeGreaterThan(9_000);
  expect(journal.stats().bytes).toBeLessThan(before.bytes / 3);
  expect(statSync(place.path).size).toBeLessThan(before.bytes / 3);
  expect(checkJournal(place.path)).toMatchObject({ ok: true, records: 18_000 - removed });
  await journal.close();
  expect(checkJournal(place.path)).toMatchObject({ ok: true, records: 18_000 - removed });
});

/** Changes a closed journal behind its back. */
function edit(sql: string, then?: (connected: { db: Database.Database }) => void): void {
  const db = new Database(place.path);
  db.exec(sql);
  then?.({ db });
  db.close();
}
