import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import Database from "libsql";
import { afterEach, beforeEach, expect, it } from "vitest";
import { JournalError } from "../../../src/drivers/journal/port.ts";
import { openJournal } from "../../../src/drivers/journal/sqlite.ts";
import { appendBatches, makeFilePlace, type FilePlace } from "./place.ts";
import { START_MS } from "./records.ts";

let place: FilePlace;
beforeEach(async () => {
  place = await makeFilePlace();
  const journal = place.open({ ballastBytes: 0 });
  await appendBatches(journal, 3, 4);
  await journal.close();
});
afterEach(() => place.remove());

/** Of the copy with this bit flipped: "read" where all of it comes out, else the code. */
async function verdictOf(at: number, bit: number, mode: "read" | "write"): Promise<string> {
  const bytes = readFileSync(place.path);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  const copy = `${place.path}.${mode}.db`;
  writeFileSync(copy, bytes);
  try {
    const journal = openJournal({ path: copy, mode, nowMs: () => START_MS, ballastBytes: 0 });
    try {
      return [...journal.read()].length === 7 ? "read" : "short";
    } finally {
      await journal.close();
    }
  } catch (error) {
    if (error instanceof JournalError) return error.code;
    throw error;
  }
}

/** Where the texts of `meta` stand. */
function placesOfMeta(): number[] {
  const db = new Database(place.path);
  const rows = db.prepare("SELECT key, value FROM meta").raw().all() as [string, string][];
  db.close();
  const bytes = readFileSync(place.path);
  return rows.flatMap(([key, value]) => {
    const at = bytes.lastIndexOf(key + value);
    if (at < 0) throw new Error(`the file does not hold ${key}`);
    return Array.from({ length: key.length + value.length }, (_, n) => at + n);
  });
}

it("a flipped bit in what a journal says of itself is damage, or does no harm", async () => {
  const places = placesOfMeta();
  expect(places.length).toBeGreaterThan(200);
  const verdicts = new Set<string>();
  let damagedCount = 0;
  for (const [n, at] of places.entries()) {
    const verdict = await verdictOf(at, n % 7, "read");
    verdicts.add(verdict);
    if (verdict === "damaged") damagedCount++;
  }
  expect([...verdicts].sort()).toEqual(["damaged", "read"]);
  // All but the index's own row.
  expect(damagedCount).toBeGreaterThan(places.length - 20);
}, 60_000);

it.each([
  ["the name of the format", 3, 1],
  ["the version for writers, which says that nobody may write", 18, 2],
  ["the version for readers", 19, 2],
  ["the size of a page", 16, 3],
  ["whose file it is", 69, 4],
])("a flipped bit in %s is damage, for reading and for writing", async (_what, at, bit) => {
  for (const mode of ["read", "write"] as const)
    expect(["damaged", "read"]).toContain(await verdictOf(at, bit, mode));
  expect(await verdictOf(at, bit, "write")).toBe("damaged");
});

it("a file of a version before, which has no checksum over it, gets one", async () => {
  const db = new Database(place.path);
  db.exec("DELETE FROM meta WHERE key = 'meta_checksum'");
  db.close();
  copyFileSync(place.path, `${place.path}.old`);
  const journal = place.open();
  expect([...journal.read()]).toHaveLength(7);
  await journal.close();
  expect(readFileSync(place.path).includes("meta_checksum")).toBe(true);
  chmodSync(`${place.path}.old`, 0o400);
  const old = openJournal({ path: `${place.path}.old`, mode: "read", nowMs: () => START_MS });
  expect([...old.read()]).toHaveLength(7);
});
