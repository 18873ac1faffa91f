import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import Database from "libsql";

/** A lock of the operating system on a file: gone with the process, however it ends. */
export interface FileLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/** Keeps the handles alive: a collected one would give its lock back. */
const held = new Set<FileLock>();

/**
 * Takes the lock, or returns undefined at once if another holder (in this process or another) has it. It is the
 * exclusive lock of an empty database file, so it needs a file system with working POSIX locks. Throws `Error` where the
 * file cannot be made or is something else.
 */
export function tryLock(path: string): FileLock | undefined {
  const db = openLockFile(path);
  try {
    // MEMORY: nothing is ever written, so no rollback journal need lie about.
    db.exec("PRAGMA journal_mode=MEMORY");
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if ((error as { rawCode?: number }).rawCode === SQLITE_BUSY) return undefined;
    throw new Error(
      `cannot lock ${path}: ${messageOf(error)}; is it a lock file? If not, move it`,
      {
        cause: error,
      },
    );
  }
  writeHolder(path);
  const lock: FileLock = {
    release() {
      if (!held.delete(lock)) return;
      rmSync(holderPath(path), { force: true });
      // The transaction holds the lock, not the connection: a closed connection lives until it is collected.
      db.exec("ROLLBACK");
      db.close();
    },
  };
  held.add(lock);
  return lock;
}

/** Who says that it holds the lock: `pid 123 on host`. For people only: the lock itself does not depend on it. */
export function lockHolder(path: string): string {
  try {
    return readFileSync(holderPath(path), "utf8").trim() || "an unknown process";
  } catch {
    // Not written yet, or taken by something that does not write it.
    return "an unknown process";
  }
}

function openLockFile(path: string): Database.Database {
  try {
    if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
    return new Database(path);
  } catch (error) {
    throw new Error(
      `cannot open the lock file ${path}: ${messageOf(error)}; does its folder exist and may it be written?`,
      { cause: error },
    );
  }
}

function writeHolder(path: string): void {
  const temporary = `${holderPath(path)}.${process.pid}`;
  try {
    writeFileSync(temporary, `pid ${process.pid} on ${hostname()}\n`, { mode: 0o600 });
    renameSync(temporary, holderPath(path));
  } catch {
    // A full disk must not keep anybody from the lock; the name of the holder is a courtesy.
    rmSync(temporary, { force: true });
  }
}

function holderPath(path: string): string {
  return `${path}.holder`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
