import { accessSync, closeSync, constants, openSync, readSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { JournalError } from "./port.ts";

/** Primary result codes of SQLite; the extended ones carry them in their low byte. */
const CODES = {
  error: 1,
  busy: 5,
  locked: 6,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  notADb: 26,
};
/** The extended code of a page that lies beyond the end of the file. */
const SHORT_READ = 522;

/** Less than this is as good as full: SQLite needs a few pages for its shared index alone. */
const NO_SPACE_BYTES = 64 * 1024;

const SIGNATURE = "CREATE TABLE batch (";
const SIGNATURE_WITHIN = 64 * 1024;

export const DAMAGE_ADVICE =
  "see `dispatch-cloud journal check`, save what can be read with `journal export`, then move the file away (with its .witness.json): the " +
  "dispatcher starts with a new journal and finds its workers and containers again";

/** Whatever SQLite threw while `doing` something with the journal at `path`, in the words of the port. */
export function toJournalError(error: unknown, path: string, doing: string): JournalError {
  if (error instanceof JournalError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const raw = (error as { rawCode?: number }).rawCode ?? 0;
  const options = { cause: error };
  switch (raw === SHORT_READ ? CODES.corrupt : raw & 0xff) {
    case CODES.full:
      return diskFull(path, doing, message, options);
    case CODES.busy:
    case CODES.locked:
      return new JournalError(
        "locked",
        `${path}: ${doing} failed: another program holds the file (${message}); ` +
          "end what has it open (an sqlite3 shell, a backup) and try again",
        options,
      );
    // Its statements are right for the tables that it was made with.
    case CODES.error:
    case CODES.corrupt:
      return new JournalError(
        "damaged",
        `${path}: ${doing} failed: the file is broken or cut short (${message}); ${DAMAGE_ADVICE}`,
        options,
      );
    case CODES.notADb:
      if (looksLikeJournal(path)) return badHeader(path, options);
      return new JournalError(
        "notAJournal",
        `${path} is no journal (${message}): name another file, or move this one away`,
        options,
      );
    case CODES.io:
      // Out of space shows as an I/O error where SQLite did not write itself (its shared memory).
      if (freeBytes(path) < NO_SPACE_BYTES) return diskFull(path, doing, message, options);
      break;
    case CODES.readOnly:
      // So says a flipped bit in the header, too.
      if (raw === CODES.readOnly && mayWrite(path)) return badHeader(path, options);
      return new JournalError(
        "io",
        `${path}: ${doing} failed: the file may not be written (${message}); give this user write access`,
        options,
      );
  }
  return new JournalError(
    "io",
    `${path}: ${doing} failed: ${message}; look at the disk and at the rights on the file and its folder`,
    options,
  );
}

/** What a user may still write to the file system of `path`; Infinity where that cannot be told. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    // The folder is gone or the system does not say: then space is not what is to blame.
    return Infinity;
  }
}

function diskFull(path: string, doing: string, message: string, options: ErrorOptions) {
  return new JournalError(
    "diskFull",
    `${path}: ${doing} failed: the disk (or the journal's own limit) is full (${message}); nothing was kept of it. ` +
      "Free space, or run `dispatch-cloud journal prune`; it is tried again",
    options,
  );
}

/** Its first bytes say that it is something else, or that nobody may write it, and the rest does not agree. */
export function badHeader(path: string, options: ErrorOptions = {}): JournalError {
  return new JournalError(
    "damaged",
    `${path}: the header of the file is not what was written; ${DAMAGE_ADVICE}`,
    options,
  );
}

/** The definition of its tables stands in its first pages. Only for a file that no connection of this process has open. */
export function looksLikeJournal(path: string): boolean {
  try {
    const file = openSync(path, "r");
    try {
      const start = Buffer.alloc(SIGNATURE_WITHIN);
      const length = readSync(file, start, 0, start.length, 0);
      return start.subarray(0, length).includes(SIGNATURE);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
