import { closeSync, openSync } from "node:fs";
import Database from "libsql";
import { QueueStoreError } from "./port.ts";

export type Db = InstanceType<typeof Database>;

/** "DCqu": says whose file this is. */
const APPLICATION_ID = 0x44437175;
const FORMAT_VERSION = 1;

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
    interactive_session_started INTEGER NOT NULL DEFAULT 0
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

/** Opens the file, or makes it with mode 0600 (environments may hold secrets). Throws an `Error` that names it. */
export function openDatabase(path: string): Db {
  let db: Db | undefined;
  try {
    closeSync(openSync(path, "a", 0o600));
    db = new Database(path, { timeout: 5000 });
    // A commit is durable when it returns.
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    prepareTables(db);
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
}

function readNumber(db: Db, sql: string): number {
  return Number((db.prepare(sql).raw().get() as [number])[0]);
}

/** What SQLite throws, as an answer of the API; everything else as it is. */
export function toStoreError(error: unknown): unknown {
  if (
    !(error instanceof Error) ||
    !("code" in error) ||
    !String(error.code).startsWith("SQLITE_")
  ) {
    return error;
  }
  const reason = error.code === "SQLITE_FULL" ? "the disk is full" : error.message;
  return new QueueStoreError(500, [`the embedded queue failed: ${reason}`], { cause: error });
}
