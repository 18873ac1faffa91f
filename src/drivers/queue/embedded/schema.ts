import { closeSync, openSync, statfsSync } from "node:fs";
import { basename, dirname } from "node:path";
import Database from "libsql";
import { QueueStoreError } from "./port.ts";

export type Db = InstanceType<typeof Database>;

/** "DCqu": says whose file this is. */
const APPLICATION_ID = 0x44437175;
const FORMAT_VERSION = 1;
const WAL_BYTES_MAX = 8 * 1024 * 1024;
/** Less than this is as good as full. */
const NO_SPACE_BYTES = 64 * 1024;

const TABLES = `
  CREATE TABLE containers (
    uuid TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    lock_count INTEGER NOT NULL DEFAULT 0,
    locked_by_uuid TEXT,
    command TEXT NOT NULL,
    container_image TEXT NOT NULL,
    cwd TEXT NOT NULL,
    environment TEXT NOT NULL,
    mounts TEXT NOT NULL,
    output_path TEXT NOT NULL,
    runtime_constraints TEXT NOT NULL,
    scheduling_parameters TEXT NOT NULL,
    runtime_status TEXT NOT NULL DEFAULT '{}',
    started_at TEXT,
    finished_at TEXT,
    exit_code INTEGER,
    output TEXT,
    output_properties TEXT NOT NULL DEFAULT '{}',
    log TEXT,
    progress REAL,
    cost REAL NOT NULL DEFAULT 0,
    subrequests_cost REAL NOT NULL DEFAULT 0,
    gateway_address TEXT NOT NULL DEFAULT '',
    interactive_session_started INTEGER NOT NULL DEFAULT 0,
    final_update TEXT
  );
  CREATE INDEX containers_by_priority ON containers (state, priority DESC, uuid);
  CREATE INDEX containers_by_lock ON containers (locked_by_uuid, uuid) WHERE locked_by_uuid IS NOT NULL;
  CREATE INDEX containers_by_change ON containers (modified_at DESC, uuid);
  CREATE TABLE container_requests (
    uuid TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    name TEXT,
    description TEXT,
    properties TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    container_uuid TEXT NOT NULL UNIQUE REFERENCES containers (uuid)
  );
  CREATE INDEX container_requests_by_change ON container_requests (modified_at DESC, uuid);
`;

/**
 * Opens the file, or makes it with mode 0600 (environments may hold secrets). It never grows beyond `bytesMax` and what is
 * reserved for changes of what is in it; 0: no limit. Throws an `Error` that names it.
 */
export function openDatabase(path: string, bytesMax = 0): Db {
  let db: Db | undefined;
  try {
    closeSync(openSync(path, "a", 0o600));
    db = new Database(path, { timeout: 5000 });
    // A commit is durable when it returns.
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    db.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`);
    prepareTables(db);
    if (bytesMax > 0) limitPages(db, bytesMax);
    return db;
  } catch (error) {
    db?.close();
    const reason = error instanceof Error ? error.message : String(error);
    // Of the file system: the message names the path, and another file would not help.
    const hint = isErrno(error) ? "" : "; move the file away to start with an empty queue";
    throw new Error(`the embedded queue ${path} cannot be opened: ${reason}${hint}`, {
      cause: error,
    });
  }
}

function isErrno(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

function prepareTables(db: Db): void {
  const tables = readNumber(db, "SELECT count(*) FROM sqlite_schema");
  if (tables === 0) {
    db.transaction(() => {
      db.exec(TABLES);
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.exec(`PRAGMA user_version = ${FORMAT_VERSION}`);
    }).immediate();
    return;
  }
  if (readNumber(db, "PRAGMA application_id") !== APPLICATION_ID) {
    throw new Error("it is a database of something else");
  }
  const version = readNumber(db, "PRAGMA user_version");
  if (version !== FORMAT_VERSION) {
    throw new Error(`it has format ${version}, this version reads format ${FORMAT_VERSION}`);
  }
  addColumns(db);
}

/** Those that files of earlier versions lack. They leave the format as it is: earlier versions pass over them. */
function addColumns(db: Db): void {
  const has = "SELECT count(*) FROM pragma_table_info('containers') WHERE name = 'final_update'";
  if (readNumber(db, has) === 0) db.exec("ALTER TABLE containers ADD COLUMN final_update TEXT");
}

function readNumber(db: Db, sql: string): number {
  return Number((db.prepare(sql).raw().get() as [number])[0]);
}

/** Containers that run must be able to end where no new one is taken in. */
const RESERVE_MIN_BYTES = 1024 * 1024;

function limitPages(db: Db, bytesMax: number): void {
  const pageBytes = readNumber(db, "PRAGMA page_size");
  const hardMax = bytesMax + Math.max(RESERVE_MIN_BYTES, bytesMax / 16);
  db.pragma(`max_page_count = ${Math.ceil(hardMax / pageBytes)}`);
}

/** Of the pages in use; the write-ahead log comes on top. */
export function usedBytes(db: Db): number {
  const pages = readNumber(db, "PRAGMA page_count") - readNumber(db, "PRAGMA freelist_count");
  return pages * readNumber(db, "PRAGMA page_size");
}

/** The queue has reached the bound of its config. */
export function limitReached(path: string, bytesMax: number): QueueStoreError {
  return new QueueStoreError(503, [
    `the queue is full: ${path} has reached its limit of ${bytesMax} bytes (DispatchCloud.Queue.MaxBytes); raise that and ` +
      "restart, or, once nothing waits or runs, stop the dispatcher and move the file away",
  ]);
}

/** What SQLite throws, as an answer of the API; everything else as it is. */
export function toStoreError(error: unknown, path: string, bytesMax = 0): unknown {
  if (
    !(error instanceof Error) ||
    !("code" in error) ||
    !String(error.code).startsWith("SQLITE_")
  ) {
    return error;
  }
  const isFull = error.code === "SQLITE_FULL";
  // Out of space shows as an I/O error where SQLite did not write itself (its shared memory).
  const isIo = String(error.code).startsWith("SQLITE_IOERR");
  const room = freeBytes(path);
  if (isFull && bytesMax > 0 && room >= NO_SPACE_BYTES) return limitReached(path, bytesMax);
  if (isFull || (isIo && room < NO_SPACE_BYTES)) {
    const message =
      `the queue cannot be written: the disk of ${dirname(path)} is full; make room on it and try again, nothing of this ` +
      `request was kept in ${basename(path)}`;
    return new QueueStoreError(503, [message], { cause: error });
  }
  return new QueueStoreError(500, [`the embedded queue ${path} failed: ${error.message}`], {
    cause: error,
  });
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    // The folder is gone or the system does not say: then space is not what is to blame.
    return Infinity;
  }
}
