import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { ALL_LOCK_NAME, errorCode, errorText, lockDir, RunnerError } from "./paths.ts";

const CONFLICT_EXIT = 200;

// A holder keeps the all-lock for milliseconds. Without a bound a stopped one would hang every probe (specification §15.3).
const ALL_LOCK_WAIT_S = 30;

/**
 * flock(2) on our own descriptor, by util-linux's flock(1), which inherits it: the lock belongs to the open file and so
 * outlives that process. False when another holds it. Throws `RunnerError` where it cannot be tried.
 */
export function flock(
  fd: number,
  mode: "exclusive" | "shared",
  options: { waitSeconds?: number } = {},
): boolean {
  const wait = options.waitSeconds === undefined ? ["-n"] : ["-w", String(options.waitSeconds)];
  const done = spawnSync(
    "flock",
    [mode === "exclusive" ? "-x" : "-s", ...wait, "-E", String(CONFLICT_EXIT), "3"],
    { stdio: ["ignore", "ignore", "pipe", fd], encoding: "utf8" },
  );
  if (errorCode(done.error) === "ENOENT") {
    throw new RunnerError("the program flock is missing: install util-linux");
  }
  if (done.error) throw new RunnerError(`flock: ${errorText(done.error)}`);
  if (done.status === 0) return true;
  if (done.status === CONFLICT_EXIT) return false;
  throw new RunnerError(`flock: ${done.stderr.trim() || `exit ${done.status ?? done.signal}`}`);
}

/** Runs `body` under the folder's lock, which guards making and removing lock files (specification §15.4). */
export function withAllLock<T>(body: () => T): T {
  const path = join(lockDir(), ALL_LOCK_NAME);
  let fd: number;
  try {
    fd = openSync(path, constants.O_CREAT | constants.O_RDWR, 0o700);
  } catch (error) {
    throw new RunnerError(`lock folder ${lockDir()}: ${errorText(error)}`, { cause: error });
  }
  try {
    if (!flock(fd, "exclusive", { waitSeconds: ALL_LOCK_WAIT_S })) {
      throw new RunnerError(
        `lock ${path}: still held by another process after ${ALL_LOCK_WAIT_S} s`,
      );
    }
    return body();
  } finally {
    closeSync(fd);
  }
}
