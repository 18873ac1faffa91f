import { chmodSync, lstatSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { dataPaths } from "../data-dir.ts";

/** Beside the journal and the queue. */
const COMPANIONS = ["", "-wal", "-shm", "-journal", ".lock", ".lock.holder", ".ballast"];

/**
 * Takes away what others may do with the data directory, its journal and its queue, since command lines and environments
 * are in them: as they are made, and where a version before, or somebody's copy, has made them wider. `warn` is told
 * what cannot be changed; that stops nothing.
 */
export function makePrivate(dataDir: string, warn: (path: string, reason: string) => void): void {
  narrow(dataDir, 0o700, warn);
  const { journal, queue } = dataPaths(dataDir);
  const witness = `${basename(journal, ".db")}.witness.json`;
  const names = new Set(
    [journal, queue].flatMap((path) => COMPANIONS.map((end) => basename(path) + end)),
  );
  for (const name of readNames(dataDir))
    if (names.has(name) || name.startsWith(witness)) narrow(join(dataDir, name), 0o600, warn);
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // What opens the files says what is wrong.
    return [];
  }
}

function narrow(path: string, mode: number, warn: (path: string, reason: string) => void): void {
  try {
    const stat = lstatSync(path);
    const isOurs = stat.isFile() || stat.isDirectory();
    // Another's rights through a link are not ours to change.
    if (isOurs && (stat.mode & 0o777 & ~mode) !== 0) chmodSync(path, stat.mode & mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    warn(path, error instanceof Error ? error.message : String(error));
  }
}
