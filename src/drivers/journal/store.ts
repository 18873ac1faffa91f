import { randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import Database from "libsql";
import { FORMAT_VERSION, GENESIS, type Link } from "./batch.ts";
import { JournalError } from "./port.ts";
import { DAMAGE_ADVICE, toJournalError } from "./sqlite-error.ts";

/** "dcJl" in the header of the database file. */
const APPLICATION_ID = 0x64634a6c;
/** How long a statement waits for another program that has the file. It blocks this process, so not for long. */
const BUSY_TIMEOUT_MS = 5_000;
const WAL_BYTES_MAX = 8 * 1024 * 1024;

/** The open database of a journal. */
export interface Store {
  readonly db: Database.Database;
  readonly path: string;
  readonly id: string;
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
  const db = openDatabase(path, path);
  try {
    db.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
    if (isEmpty(db)) initialise(db, options.nowMs);
    const id = identify(db, path);
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
    return { db, path, id, writable: true };
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
    return { db, path, id: identify(db, path), writable: false };
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

/**
 * Rows as arrays. Texts of the file must be selected `CAST(… AS BLOB)` and numbers `CAST(… AS INTEGER)`: libsql aborts
 * the process over a text that is not UTF-8, which a single flipped bit can make of either.
 */
export function rows(store: Pick<Store, "db">, sql: string, ...values: unknown[]): unknown[][] {
  return store.db
    .prepare(sql)
    .raw()
    .all(...values) as unknown[][];
}

export function integer(store: Pick<Store, "db">, sql: string, ...values: unknown[]): number {
  return Number(rows(store, sql, ...values)[0]?.[0] ?? 0);
}

export function asBuffer(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return value instanceof ArrayBuffer ? Buffer.from(value) : Buffer.alloc(0);
}

/** What a PRAGMA answers with its first column. */
export function pragma(db: Database.Database, source: string): unknown {
  return (db.prepare(`PRAGMA ${source}`).raw().all() as unknown[][])[0]?.[0];
}

export function readMeta(store: Pick<Store, "db">, key: string): string | undefined {
  const found = rows(store, "SELECT CAST(value AS BLOB) FROM meta WHERE key = ?", key)[0];
  return found && asBuffer(found[0]).toString();
}

export function writeMeta(store: Pick<Store, "db">, key: string, value: string | number): void {
  store.db
    .prepare(
      "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .run(key, String(value));
}

/** What the oldest batch follows: the last one that was pruned, or the beginning. */
export function readBase(store: Pick<Store, "db" | "path">): Link {
  const seq = Number(readMeta(store, "base_seq"));
  const checksum = Buffer.from(readMeta(store, "base_checksum") ?? "", "hex");
  if (Number.isSafeInteger(seq) && checksum.length === GENESIS.length) return { seq, checksum };
  throw new JournalError(
    "damaged",
    `${store.path}: the journal's beginning is not readable; ${DAMAGE_ADVICE}`,
  );
}

/** All or nothing. */
export function inTransaction<T>(store: Pick<Store, "db">, work: () => T): T {
  const { db } = store;
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk has rolled it back already.
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
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
  });
}

/** The journal's id. Throws `JournalError` if the file is none, or one that this program does not know. */
function identify(db: Database.Database, path: string): string {
  if (Number(pragma(db, "application_id")) !== APPLICATION_ID) {
    throw new JournalError(
      "notAJournal",
      `${path} is no journal of dispatch-cloud: name another file, or move this one away`,
    );
  }
  const version = readMeta({ db }, "format_version");
  if (version !== String(FORMAT_VERSION)) {
    throw new JournalError(
      "unknownVersion",
      `${path} has journal format ${version ?? "(none)"}, this program knows ${FORMAT_VERSION}: use the release of ` +
        "dispatch-cloud that wrote it, or move the file away to start with a new journal",
    );
  }
  // A flipped bit in a column's definition would make another table of the same bytes.
  const tables = rows({ db }, "SELECT CAST(sql AS BLOB) FROM sqlite_schema WHERE sql IS NOT NULL");
  const known = tables.filter(([sql]) => TABLES.includes(asBuffer(sql).toString()));
  const id = readMeta({ db }, "journal_id");
  if (id && known.length === TABLES.length && tables.length === TABLES.length) return id;
  throw new JournalError(
    "damaged",
    `${path}: its tables or its id are not what they were; ${DAMAGE_ADVICE}`,
  );
}
