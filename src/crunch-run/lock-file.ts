import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  statSync,
  writeSync,
} from "node:fs";
import { flock, withAllLock } from "./flock.ts";
import { containerLockPath, errorText, RunnerError } from "./paths.ts";

/** What a lock file and the answer to `--detach` hold. */
export interface ProcessInfo {
  readonly uuid: string;
  readonly pid: number;
}

/** One line of JSON with a line feed. */
export function formatProcessInfo(info: ProcessInfo): string {
  return `${JSON.stringify({ UUID: info.uuid, PID: info.pid })}\n`;
}

/** Throws an error that says what is wrong with the text. */
export function parseProcessInfo(text: string): ProcessInfo {
  const json = JSON.parse(text) as { UUID?: unknown; PID?: unknown } | null;
  const uuid = json?.UUID;
  const pid = json?.PID;
  if (typeof uuid !== "string" || uuid === "" || !Number.isInteger(pid) || Number(pid) <= 0) {
    throw new Error(`inconsistent process information: ${text.trim().slice(0, 200)}`);
  }
  return { uuid, pid: Number(pid) };
}

/**
 * Takes the container's lock and empties its file; the lock lives as long as any process has the descriptor that is
 * returned. Throws `RunnerError` ("lock <path>: …") when another holds it (specification §13).
 */
export function acquireContainerLock(containerUuid: string): number {
  const path = containerLockPath(containerUuid);
  return withAllLock(() => {
    let fd: number | undefined;
    try {
      fd = openSync(path, constants.O_CREAT | constants.O_RDWR, 0o700);
      if (!flock(fd, "exclusive")) {
        throw new RunnerError(
          `lock ${path}: held by another process, this container runs here already`,
        );
      }
      // Still under the all-lock: `--list` must not take a predecessor's pid for ours.
      ftruncateSync(fd, 0);
      return fd;
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      if (error instanceof RunnerError) throw error;
      throw new RunnerError(`lock ${path}: ${errorText(error)}`, { cause: error });
    }
  });
}

export function writeProcessInfo(fd: number, info: ProcessInfo): void {
  writeSync(fd, formatProcessInfo(info), 0);
}

/** Whether `fd` is open on the container's lock file, as it is in a child that was started by `--detach`. */
export function isContainerLock(fd: number, containerUuid: string): boolean {
  try {
    const open = fstatSync(fd);
    const named = statSync(containerLockPath(containerUuid));
    return open.dev === named.dev && open.ino === named.ino;
  } catch {
    return false; // not open, or no such file
  }
}
