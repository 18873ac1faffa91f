import { execFile } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkJournal } from "../../../src/drivers/journal/check.ts";
import { exportJournal } from "../../../src/drivers/journal/export.ts";
import { openJournal } from "../../../src/drivers/journal/sqlite.ts";
import { appendBatches, makeFilePlace, type FilePlace } from "./place.ts";
import { recordsFrom, START_MS } from "./records.ts";

let place: FilePlace;
beforeEach(async () => {
  place = await makeFilePlace();
  const journal = place.open({ ballastBytes: 0 });
  await appendBatches(journal, 10, 20, 5, 40);
  await journal.saveCheckpoint({ seq: 30, code: "v1", state: '{"at":30}' });
  await journal.saveCheckpoint({ seq: 75, code: "v1", state: '{"at":75}' });
  await journal.close();
});
afterEach(() => place.remove());

const read = () => openJournal({ path: place.path, mode: "read", nowMs: () => START_MS });

/** Flips one bit of the first place in the file that holds the text. */
function flip(text: string): void {
  const bytes = readFileSync(place.path);
  const at = bytes.indexOf(text);
  if (at < 0) throw new Error(`the file does not hold ${text}`);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(place.path, bytes);
}

function edit(sql: string): void {
  const db = new Database(place.path);
  db.exec(sql);
  db.close();
}

/** Problems as [code, seq], each with words on what to do. */
function problems() {
  const report = checkJournal(place.path);
  expect(report.ok).toBe(report.problems.length === 0);
  for (const { message } of report.problems) {
    expect(message).toContain(place.path);
    expect(message).toMatch(/move the file away|rebuild|passed over|use the release/);
  }
  return report.problems.map(({ code, seq }) => [code, seq]);
}

function readUntilDamage() {
  const seqs: number[] = [];
  try {
    for (const { seq } of read().read()) seqs.push(seq);
  } catch (error) {
    return { last: seqs.at(-1) ?? 0, error };
  }
  return { last: seqs.at(-1) ?? 0, error: undefined };
}

/** The error of opening or of reading it all. */
function readUntilDamageOrRefusal(): unknown {
  try {
    return readUntilDamage().error;
  } catch (error) {
    return error;
  }
}

it("finds nothing in a journal as it was written", () => {
  expect(checkJournal(place.path)).toEqual({
    ok: true,
    records: 75,
    batches: 4,
    checkpoints: 2,
    problems: [],
  });
});

describe("a flipped bit is found and its batch named", () => {
  it("in a body", () => {
    flip('"seq":17');
    expect(problems()).toEqual([
      ["badChecksum", 11],
      ["badRecord", 17],
    ]);
    expect(readUntilDamage()).toMatchObject({ last: 10, error: { code: "badChecksum", seq: 11 } });
  });

  it("in a text of a body, where it still is a sound record", () => {
    edit("UPDATE batch SET body = replace(body, 'too dear', 'too deer') WHERE first_seq = 1");
    expect(problems()).toEqual([["badChecksum", 1]]);
    expect(readUntilDamage()).toMatchObject({ last: 0, error: { code: "badChecksum", seq: 1 } });
  });

  it.each(["first_at_ms", "last_at_ms"])("in a header (%s)", (column) => {
    edit(`UPDATE batch SET ${column} = ${column} + 1 WHERE first_seq = 31`);
    expect(problems()).toEqual([["badChecksum", 31]]);
    expect(readUntilDamage()).toMatchObject({ last: 30, error: { code: "badChecksum", seq: 31 } });
  });

  it("in a header (last_seq)", () => {
    edit("UPDATE batch SET last_seq = last_seq + 64 WHERE first_seq = 31");
    expect(problems()[0]).toEqual(["badChecksum", 31]);
    expect(readUntilDamage()).toMatchObject({ last: 30, error: { code: "badChecksum", seq: 31 } });
  });

  it("in a header (record_version)", () => {
    edit("UPDATE batch SET record_version = 3 WHERE first_seq = 31");
    expect(problems()).toEqual([
      ["badChecksum", 31],
      ["unknownVersion", 31],
    ]);
  });

  it("in a checksum, once and not again for the next", () => {
    edit("UPDATE batch SET checksum = zeroblob(32) WHERE first_seq = 11");
    expect(problems()).toEqual([["badChecksum", 11]]);
    expect(readUntilDamage()).toMatchObject({ last: 10, error: { code: "badChecksum", seq: 11 } });
  });

  it("in the last batch, which a writer refuses to follow", () => {
    edit("UPDATE batch SET body = replace(body, 'too dear', 'too deer') WHERE first_seq = 36");
    expect(problems()).toEqual([["badChecksum", 36]]);
    const attempt = () => place.open();
    expect(attempt).toThrow(expect.objectContaining({ code: "badChecksum", seq: 36 }));
    // And the lock is free again.
    expect(attempt).toThrow(/move the file away/);
  });

  it("in a checkpoint, which is passed over", () => {
    flip('{"at":75}');
    expect(problems()).toEqual([["badCheckpoint", 75]]);
    expect(read().checkpoint()).toEqual({ seq: 30, code: "v1", state: '{"at":30}' });
    expect([...read().read()]).toHaveLength(75);
  });
});

describe("other damage is found", () => {
  it("a missing batch", () => {
    edit("DELETE FROM batch WHERE first_seq = 11");
    expect(problems()[0]).toEqual(["gap", 11]);
    expect(checkJournal(place.path).problems[0]?.message).toContain("records 11 to 30 are missing");
    expect(readUntilDamage()).toMatchObject({ last: 10, error: { code: "gap", seq: 11 } });
  });

  it("a missing beginning", () => {
    edit("DELETE FROM batch WHERE first_seq = 1");
    expect(problems()[0]).toEqual(["gap", 1]);
    expect(readUntilDamage()).toMatchObject({ last: 0, error: { code: "gap", seq: 1 } });
  });

  it("a batch that was put in the place of another", () => {
    edit(
      `UPDATE batch SET body = (SELECT body FROM batch WHERE first_seq = 1) WHERE first_seq = 11`,
    );
    expect(problems()).toEqual([
      ["badChecksum", 11],
      ["badRecord", 11],
    ]);
  });

  it("a record that is sound to the chain and not to the schema, by the check only", async () => {
    const journal = place.open();
    const [record] = recordsFrom(76, 1);
    await journal.append([{ ...record!, commands: [{ kind: "instance.explode" } as never] }]);
    await journal.close();
    expect(readUntilDamage()).toEqual({ last: 76, error: undefined });
    expect(problems()).toEqual([["badRecord", 76]]);
    expect(checkJournal(place.path).problems[0]?.message).toContain("commands.0.kind");
  });

  it.each([0.9, 0.5, 0.1])("a file cut to %d of its length", (part) => {
    truncateSync(place.path, Math.floor(readFileSync(place.path).length * part));
    expect(problems()[0]?.[0]).toBe("damaged");
    expect(() => place.open()).toThrow(
      expect.objectContaining({ message: expect.stringContaining("move the file away") }),
    );
  });

  it.each([1, 100, 4_096])("a file that lacks its last %d bytes, as damage in words", (bytes) => {
    truncateSync(place.path, readFileSync(place.path).length - bytes);
    expect(readUntilDamageOrRefusal()).toMatchObject({ code: "damaged" });
  });

  it.each([
    ["its format number", 47, 255],
    ["the number of its tables", 104, 0],
  ])("a header with another byte in %s, as damage in words", (_what, at, byte) => {
    const bytes = readFileSync(place.path);
    bytes[at] = byte;
    writeFileSync(place.path, bytes);
    expect(readUntilDamageOrRefusal()).toMatchObject({
      code: "damaged",
      message: expect.stringContaining("broken or cut short"),
    });
  });

  it("a file overwritten with zeros", () => {
    writeFileSync(place.path, Buffer.alloc(40_960));
    expect(checkJournal(place.path)).toMatchObject({ ok: false, records: 0 });
  });
});

it("the records before and after damage can be exported", () => {
  edit("UPDATE batch SET body = replace(body, 'too dear', 'too deer') WHERE first_seq = 11");
  const lines: string[] = [];
  const save = (line: string) => lines.push(line);
  expect(() => exportJournal(place.path, save)).toThrow(
    expect.objectContaining({ code: "badChecksum", seq: 11 }),
  );
  expect(exportJournal(place.path, save, { fromSeq: 31, toSeq: 50 })).toBe(20);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    ...recordsFrom(1, 10),
    ...recordsFrom(31, 20),
  ]);
});

it("no flipped bit anywhere in the file goes unnoticed or takes the process down", async () => {
  const script = new URL("./bit-flips.ts", import.meta.url).pathname;
  const seeds = [String(Math.floor(START_MS / 1_000)), "250"];
  const run = promisify(execFile)(process.execPath, [
    "--import",
    "tsx",
    script,
    place.path,
    ...seeds,
  ]);
  const { stdout } = await run;
  const tally = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, number>;
  expect(tally["found"]).toBeGreaterThan(50);
  expect((tally["found"] ?? 0) + (tally["harmless"] ?? 0)).toBe(250);
}, 60_000);
