// Run as a process of its own: a file that takes the process down is what it looks for, too.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { checkJournal } from "../../../src/drivers/journal/check.ts";
import { JournalError, type Journal } from "../../../src/drivers/journal/port.ts";
import { openJournal } from "../../../src/drivers/journal/sqlite.ts";
import { containerOf, recordAt, START_MS } from "./records.ts";

const [path = "", seed = "0", numRuns = "0"] = process.argv.slice(2);
const intact = readFileSync(path);
const copy = `${path}.broken`;
const tally = { files: 0, refused: 0, readInPart: 0, readInFull: 0 };
const codes = new Set<string>();

/** Undefined where it refuses in the words of the port; anything else that it throws goes on. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    if (!error.message.includes(copy)) throw new Error("names no file", { cause: error });
    codes.add(error.code);
    return undefined;
  }
}

function require(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

/** How many records come out; each is the one that was written. */
function readAll(journal: Journal): number {
  let count = 0;
  attempt(() => {
    for (const record of journal.read()) {
      count += 1;
      require(record.seq === count, `record ${record.seq} in the place of ${count}`);
      const written = JSON.parse(JSON.stringify(recordAt(count))) as unknown;
      require(isDeepStrictEqual(record, written), `record ${count} was never written`);
    }
    return count;
  });
  return count;
}

function readTheRest(journal: Journal): void {
  attempt(() => journal.lastSeq);
  attempt(() => journal.stats());
  attempt(() => journal.seqsOf(`container/${containerOf(4)}`));
  for (const seq of attempt(() => journal.checkpointSeqs()) ?? []) {
    const found = attempt(() => journal.checkpoint({ atOrBeforeSeq: seq }));
    if (!found) continue;
    const written = `{"at":${found.seq}}`;
    require(found.state === written, `a checkpoint at ${found.seq} that was never saved`);
  }
}

async function exercise(bytes: Uint8Array, log: Uint8Array | undefined, recordsMax: number) {
  writeFileSync(copy, bytes);
  if (log) writeFileSync(`${copy}-wal`, log);
  const report = checkJournal(copy);
  for (const mode of ["read", "write"] as const) {
    const nowMs = () => START_MS;
    const journal = attempt(() => openJournal({ path: copy, mode, nowMs, ballastBytes: 0 }));
    if (!journal) tally.refused += 1;
    else {
      const count = readAll(journal);
      require(count <= recordsMax, `${count} records out of a file that had none`);
      if (mode === "read" && report.ok) require(count === report.records, "a check that missed");
      readTheRest(journal);
      tally[count === recordsMax ? "readInFull" : "readInPart"] += 1;
      await journal.close();
    }
  }
  tally.files += 1;
  for (const end of ["", "-wal", "-shm", "-journal", ".lock"]) rmSync(copy + end, { force: true });
  // Connections are freed in the event loop only.
  await new Promise(setImmediate);
}

const bytes = fc.uint8Array({ maxLength: 600 });
const at = fc.integer({ min: 0, max: intact.length });
const header = fc.integer({ min: 1, max: 200 }).map((length) => intact.subarray(0, length));
const noJournal = fc.oneof(
  bytes,
  fc.tuple(header, bytes).map(([first, rest]) => Buffer.concat([first, rest])),
  fc.tuple(header, bytes).map(([first, rest]) => Buffer.concat([first, rest], 8_192)),
);
const broken = fc.oneof(
  at.map((length) => intact.subarray(0, length)),
  fc.tuple(at, bytes).map(([start, over]) => {
    return Buffer.concat([intact.subarray(0, start), over, intact.subarray(start + over.length)]);
  }),
  // Left out, put in, and a page in the place of another.
  fc.tuple(at, bytes).map(([start, more]) => {
    return Buffer.concat([intact.subarray(0, start), more, intact.subarray(start)]);
  }),
  fc.tuple(at, at).map(([a, b]) => Buffer.concat([intact.subarray(0, a), intact.subarray(b)])),
  fc.tuple(at, at).map(([from, to]) => {
    const whole = Buffer.from(intact);
    const page = 4_096;
    intact.copy(whole, to - (to % page), from - (from % page), from - (from % page) + page);
    return whole;
  }),
);
const log = fc.option(bytes, { nil: undefined, freq: 4 });

const settings = { seed: Number(seed), numRuns: Number(numRuns), endOnFailure: true };
await fc.assert(
  fc.asyncProperty(noJournal, log, (file, wal) => exercise(file, wal, 0)),
  settings,
);
await fc.assert(
  fc.asyncProperty(broken, log, (file, wal) => exercise(file, wal, 75)),
  settings,
);
process.stdout.write(`${JSON.stringify({ ...tally, codes: [...codes].sort() })}\n`);
