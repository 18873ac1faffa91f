import { randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import Database from "libsql";
import { GENESIS } from "./batch.ts";
import {
  FORMAT_VERSION,
  identityOf,
  isSealed,
  sealMeta,
  writeMeta,
  type Identity,
} from "./meta.ts";
import { JournalError } from "./port.ts";
import { asBuffer, integer, inTransaction, pragma, rows } from "./rows.ts";
import { badHeader, DAMAGE_ADVICE, looksLikeJournal, toJournalError } from "./sqlite-error.ts";

/** "dcJl" in the header of the database file. */
const APPLICATION_ID = 0x64634a6c;
/** How long a statement waits for another program that has the file. It blocks this process, so not for long. */
const BUSY_TIMEOUT_MS = 5_000;
const WAL_BYTES_MAX = 8 * 1024 * 1024;

/** The open database of a journal. */
export interface Store extends Identity {
  readonly db: Database.Database;
  readonly path: string;
  readonly writable: boolean;
}

const TABLES = [
  "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
  `CREATE TABLE batch (
    first_seq INTEGER PRIMARY KEY,
    last_seq INTEGER NOT NULL,
    first_at_ms INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    record_version INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    body TEXT NOT NULL
  )`,
  `CREATE TABLE checkpoint (
    seq INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    saved_at_ms INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    state TEXT NOT NULL
  )`,
  `CREATE TABLE actor_record (
    actor TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (actor, seq)
  ) WITHOUT ROWID`,
];

/** Makes the file if there is none (or an empty one). The caller holds the journal's lock. Throws `JournalError`. */
export function openForWriting(
  path: string,
  options: { nowMs: number; maxFileBytes?: number | undefined },
): Store {
  makePrivateFile(path);
  const db = openDatabase(path, path);
  try {
    db.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
    if (isEmpty(db)) initialise(db, options.nowMs);
    const identity = identify(db, path);
    if (pragma(db, "journal_mode=WAL") !== "wal") {
      throw new JournalError(
        "io",
        `${path}: this file system has no shared memory for a write-ahead log; put the journal on a local disk`,
      );
    }
    db.exec(`PRAGMA synchronous=FULL; PRAGMA journal_size_limit=${WAL_BYTES_MAX}`);
    if (options.maxFileBytes !== undefined) {
      const pages = Math.floor(options.maxFileBytes / Number(pragma(db, "page_size")));
      pragma(db, `max_page_count=${Math.max(1, pages)}`);
    }
    sealOlder(db);
    return { db, path, ...identity, writable: true };
  } catch (error) {
    db.close();
    throw toJournalError(error, path, "opening it for writing");
  }
}

/** Neither changes the file nor, where that can be avoided, makes others beside it. Throws `JournalError`. */
export function openForReading(path: string): Store {
  if (!existsSync(path)) {
    throw new JournalError(
      "notAJournal",
      `there is no journal at ${path}: name its file, which the dispatcher makes at its first start`,
    );
  }
  const db = openDatabase(readOnlyUri(path), path);
  try {
    db.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
    return { db, path, ...identify(db, path), writable: false };
  } catch (error) {
    db.close();
    throw toJournalError(error, path, "opening it for reading");
  }
}

/** One name per file, however it was reached. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // The file is not there yet.
  }
  try {
    return join(realpathSync(dirname(resolve(path))), basename(path));
  } catch (cause) {
    throw new JournalError("io", `${dirname(resolve(path))}: there is no such folder; make it`, {
      cause,
    });
  }
}

/** Size of the pages in use and, with the unused ones and the write-ahead log, of the files. */
export function sizes(store: Store): { usedBytes: number; fileBytes: number } {
  const page = Number(pragma(store.db, "page_size"));
  const pages = Number(pragma(store.db, "page_count"));
  const free = Number(pragma(store.db, "freelist_count"));
  const wal = statSync(`${store.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  return { usedBytes: (pages - free) * page, fileBytes: pages * page + wal };
}

/** Leaves one plain file where nobody else has the journal open; otherwise the log stays and is used next time. */
export function closeStore(store: Store): void {
  if (store.writable) {
    for (const source of ["wal_checkpoint(TRUNCATE)", "journal_mode=DELETE"]) {
      try {
        pragma(store.db, source);
      } catch {
        // A reader or a full disk: everything is durable in the log already.
      }
    }
  }
  store.db.close();
}

/** Its log and the log's index get the same rights. */
function makePrivateFile(path: string): void {
  // To close one that is there would drop the locks that this process has on it.
  if (existsSync(path)) return;
  try {
    closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    throw toJournalError(error, path, "making the file");
  }
}

function openDatabase(name: string, path: string): Database.Database {
  try {
    return new Database(name);
  } catch (error) {
    throw toJournalError(error, path, "opening the file");
  }
}

/**
 * `mode=ro`, since libsql's `readonly` option lets writes through. A file that says "write-ahead log" but has none would
 * get two new files beside it from a mere reader; nobody can have it open for writing then, so it is read as it stands.
 */
function readOnlyUri(path: string): string {
  const uri = `file:${encodeURI(path).replaceAll("?", "%3f").replaceAll("#", "%23")}?mode=ro`;
  const loose = !existsSync(`${path}-wal`) && saysWal(path);
  return loose ? `${uri}&immutable=1` : uri;
}

/** Only for a file that no connection of this process writes: closing it drops the process's POSIX locks on it. */
function saysWal(path: string): boolean {
  const header = Buffer.alloc(20);
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw toJournalError(error, path, "opening it for reading");
  }
  try {
    readSync(file, header, 0, header.length, 0);
  } catch (error) {
    throw toJournalError(error, path, "reading it");
  } finally {
    closeSync(file);
  }
  return header[18] === 2;
}

function isEmpty(db: Database.Database): boolean {
  return integer({ db }, "SELECT count(*) FROM sqlite_schema") === 0;
}

function initialise(db: Database.Database, nowMs: number): void {
  // Before the first table: it cannot be changed afterwards without a rewrite.
  db.exec(`PRAGMA auto_vacuum=INCREMENTAL; PRAGMA application_id=${APPLICATION_ID}`);
  inTransaction({ db }, () => {
    for (const table of TABLES) db.exec(table);
    writeMeta({ db }, "format_version", FORMAT_VERSION);
    writeMeta({ db }, "journal_id", randomBytes(6).toString("hex"));
    writeMeta({ db }, "created_at_ms", Math.floor(nowMs));
    writeMeta({ db }, "base_seq", 0);
    writeMeta({ db }, "base_checksum", GENESIS.toString("hex"));
    writeMeta({ db }, "indexed_seq", 0);
    sealMeta({ db });
  });
}

/** A file that was made before `meta` had a checksum gets one. */
function sealOlder(db: Database.Database): void {
  if (isSealed({ db })) return;
  try {
    inTransaction({ db }, () => sealMeta({ db }));
  } catch {
    // A full disk: the next change of it does it.
  }
}

/** Throws `JournalError` if the file is no journal, or one that this program does not know. */
function identify(db: Database.Database, path: string): Identity {
  if (Number(pragma(db, "application_id")) !== APPLICATION_ID) {
    if (looksLikeJournal(path)) throw badHeader(path);
    throw new JournalError(
      "notAJournal",
      `${path} is no journal of dispatch-cloud: name another file, or move this one away`,
    );
  }
  // A flipped bit in a column's definition would make another table of the same bytes.
  const tables = rows({ db }, "SELECT CAST(sql AS BLOB) FROM sqlite_schema WHERE sql IS NOT NULL");
  const known = tables.filter(([sql]) => TABLES.includes(asBuffer(sql).toString()));
  const isWhole = known.length === TABLES.length && tables.length === TABLES.length;
  if (isWhole) return identityOf({ db }, path);
  throw new JournalError(
    "damaged",
    `${path}: the file is broken or cut short (its tables are not what they were); ${DAMAGE_ADVICE}`,
  );
}
