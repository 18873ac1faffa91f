import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { truncateSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkJournal } from "../../../src/drivers/journal/check.ts";
import type { Journal } from "../../../src/drivers/journal/port.ts";
import { readWitness, witnessPath } from "../../../src/drivers/journal/witness.ts";
import { appendBatches, makeFilePlace, type FilePlace } from "./place.ts";

let place: FilePlace;
let witness: string;
let firstId: string;
const opened: Journal[] = [];
beforeEach(async () => {
  place = await makeFilePlace();
  witness = witnessPath(place.path);
  const journal = open();
  firstId = journal.id;
  await appendBatches(journal, 10, 20);
  await journal.close();
  copyFileSync(place.path, `${place.path}.backup`);
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  await place.remove();
});

function open(): Journal {
  const journal = place.open({ ballastBytes: 0 });
  opened.push(journal);
  return journal;
}

/** Records 31 to 70, of which the backup knows nothing. */
async function goOn(): Promise<void> {
  const journal = open();
  await appendBatches(journal, 5, 35);
  await journal.close();
}

const putBack = () => copyFileSync(`${place.path}.backup`, place.path);
const codes = () => checkJournal(place.path).problems.map(({ code, seq }) => [code, seq]);

function edit(sql: string): void {
  const db = new Database(place.path);
  db.exec(sql);
  db.close();
}

describe("a journal goes on under its id", () => {
  it("where its witness saw what is there", async () => {
    await goOn();
    expect(open()).toMatchObject({ id: firstId, breaks: [], lastSeq: 70 });
    expect(codes()).toEqual([]);
  });

  it("where the witness is older, as a crash leaves it", async () => {
    copyFileSync(witness, `${witness}.old`);
    await goOn();
    copyFileSync(`${witness}.old`, witness);
    expect(open()).toMatchObject({ id: firstId, breaks: [] });
  });

  it("where there is no witness, as of a version before", async () => {
    rmSync(witness);
    const journal = open();
    expect(journal).toMatchObject({ id: firstId, breaks: [] });
    await journal.close();
    expect(readWitness(witness)).toMatchObject({ journalId: firstId, lastSeq: 30 });
  });

  it("where what the witness saw was pruned", async () => {
    copyFileSync(witness, `${witness}.old`);
    await goOn();
    const journal = open();
    await journal.saveCheckpoint({ seq: 70, code: "v1", state: "{}" });
    await journal.prune({ maxBytes: 1, nowMs: 0 });
    await journal.close();
    copyFileSync(`${witness}.old`, witness);
    expect(open()).toMatchObject({ id: firstId, breaks: [] });
  });

  it("and a moved one with its witness is a fresh start", () => {
    rmSync(place.path);
    rmSync(witness);
    expect(open()).toMatchObject({ breaks: [], lastSeq: 0 });
  });
});

describe("a journal goes on under a new id, and says so until somebody accepts it", () => {
  const damages: [
    string,
    { cause: string; lastSeq: number; written: number | null },
    () => void,
  ][] = [
    ["an older copy", { cause: "endsEarly", lastSeq: 30, written: 70 }, putBack],
    [
      "its last batch is deleted",
      { cause: "endsEarly", lastSeq: 35, written: 70 },
      () => edit("DELETE FROM batch WHERE first_seq = 36"),
    ],
    [
      "all of its batches are deleted",
      { cause: "lost", lastSeq: 0, written: 70 },
      () => edit("DELETE FROM batch"),
    ],
    [
      "a file of no length",
      { cause: "lost", lastSeq: 0, written: 70 },
      () => truncateSync(place.path, 0),
    ],
    ["no file", { cause: "lost", lastSeq: 0, written: 70 }, () => rmSync(place.path)],
    [
      "a torn witness",
      { cause: "witnessUnreadable", lastSeq: 70, written: null },
      () => truncateSync(witness, 40),
    ],
    [
      "a witness of no length",
      { cause: "witnessUnreadable", lastSeq: 70, written: null },
      () => truncateSync(witness, 0),
    ],
    [
      "a flipped bit in the witness",
      { cause: "witnessUnreadable", lastSeq: 70, written: null },
      () =>
        writeFileSync(
          witness,
          readFileSync(witness, "utf8").replace('"last_seq":70', '"last_seq":60'),
        ),
    ],
    [
      "an endless witness",
      { cause: "witnessUnreadable", lastSeq: 70, written: null },
      () => writeFileSync(witness, Buffer.alloc(100_000, "x")),
    ],
    [
      "a witness that is a link to something else",
      { cause: "witnessUnreadable", lastSeq: 70, written: null },
      () => {
        rmSync(witness);
        symlinkSync("/dev/zero", witness);
      },
    ],
  ];

  it.each(damages)("%s", async (_what, { cause, lastSeq, written }, damage) => {
    await goOn();
    damage();
    const journal = open();
    expect(journal.id).not.toBe(firstId);
    expect(journal.lastSeq).toBe(lastSeq);
    expect(journal.breaks).toMatchObject([
      { cause, lastSeq, accepted: null, witness: written === null ? null : { lastSeq: written } },
    ]);
    await appendBatches(journal, 3, 4);
    await journal.saveCheckpoint({ seq: lastSeq + 7, code: "v1", state: "{}" });
    await journal.close();
    // The next start and the check find both parts sound, and say the same.
    const again = open();
    expect(again).toMatchObject({ id: journal.id, lastSeq: lastSeq + 7 });
    expect(again.breaks).toEqual(journal.breaks);
    expect([...again.read()]).toHaveLength(lastSeq + 7);
    expect(codes()).toEqual([["recordsMissing", lastSeq]]);
    const by = { by: "ann@desk", reason: "restored", atMs: 5 };
    expect(await again.accept(by)).toHaveLength(1);
    expect(await again.accept(by)).toEqual([]);
    await again.close();
    expect(codes()).toEqual([]);
    expect(open()).toMatchObject({ id: journal.id, breaks: [{ cause, accepted: by }] });
  });

  it("a copy that went its own way", async () => {
    await goOn();
    rmSync(`${witness}.there`, { force: true });
    copyFileSync(witness, `${witness}.there`);
    putBack();
    rmSync(witness);
    const journal = open();
    await appendBatches(journal, 50);
    await journal.close();
    copyFileSync(`${witness}.there`, witness);
    expect(open().breaks).toMatchObject([{ cause: "otherRecords", lastSeq: 80 }]);
  });

  it("another journal in its place, also one with more records", async () => {
    await goOn();
    copyFileSync(witness, `${witness}.there`);
    rmSync(place.path);
    rmSync(witness);
    const other = open();
    await appendBatches(other, 100);
    await other.close();
    copyFileSync(`${witness}.there`, witness);
    const journal = open();
    expect([firstId, other.id]).not.toContain(journal.id);
    expect(journal.breaks).toMatchObject([
      { cause: "otherJournal", journalId: other.id, witness: { journalId: firstId, lastSeq: 70 } },
    ]);
  });

  it("again and again: each id seals its own records", async () => {
    const ids = new Set([firstId]);
    for (let round = 0; round < 4; round++) {
      await goOn();
      edit("DELETE FROM batch WHERE first_seq = (SELECT max(first_seq) FROM batch)");
      const journal = open();
      ids.add(journal.id);
      expect(journal.breaks).toHaveLength(round + 1);
      await journal.close();
    }
    expect(ids.size).toBe(5);
    await goOn();
    expect(codes().map(([code]) => code)).toEqual(Array(4).fill("recordsMissing"));
    expect([...open().read()]).toHaveLength(30 + 4 * 5 + 40);
  });

  it("keeps what it was told through starts that are killed before the witness is written anew", async () => {
    await goOn();
    putBack();
    copyFileSync(witness, `${witness}.there`);
    const journal = open();
    await appendBatches(journal, 5);
    await journal.close();
    copyFileSync(`${witness}.there`, witness);
    expect(open()).toMatchObject({ id: journal.id, breaks: [{ cause: "endsEarly" }] });
  });
});

describe("the witness", () => {
  it("is written behind, once for many commits, and at the end", async () => {
    const journal = open();
    for (let n = 0; n < 20; n++) await appendBatches(journal, 1);
    expect(readWitness(witness)).toMatchObject({ lastSeq: 30 });
    for (let n = 0; n < 100 && readWitness(witness) === "none"; n++) await delay(20);
    await expect
      .poll(() => readWitness(witness), { timeout: 10_000 })
      .toMatchObject({ journalId: firstId, lastSeq: 50 });
    await appendBatches(journal, 1);
    await journal.close();
    expect(readWitness(witness)).toMatchObject({ lastSeq: 51 });
    expect(existsSync(`${witness}~`)).toBe(false);
  });

  it("that cannot be written is said, and stops neither a start nor a commit", async () => {
    rmSync(witness);
    mkdirSync(witness);
    const errors: (Error | undefined)[] = [];
    const journal = place.open({ onWitnessError: (error) => errors.push(error) });
    opened.push(journal);
    await appendBatches(journal, 5);
    await expect.poll(() => errors.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(errors[0]?.message).toMatch(/witness\.json/);
    expect(journal.lastSeq).toBe(35);
  });
});
