import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  writeSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import type { Writable } from "node:stream";
import { NO_DETACH, type Flags } from "./flags.ts";
import {
  acquireContainerLock,
  formatProcessInfo,
  isContainerLock,
  writeProcessInfo,
} from "./lock-file.ts";
import { containerDataDir, errorText, RUNNER_LOG_NAME, RunnerError } from "./paths.ts";
import { readSettings } from "./settings.ts";
import { parseStdinConfig, readStdin } from "./stdin-config.ts";

/** Descriptors that the child inherits beside stdin, stdout and stderr. */
const LOCK_FD = 3;
const READY_FD = 4;

const READY_TIMEOUT_MS = 60_000;

/**
 * The command line of the child: the program, with its sub-command if it was called as `… crunch-run`, then the marker
 * and the original arguments (specification §13).
 */
function childCommandLine(program: readonly string[], args: readonly string[]): string[] {
  return [...program, NO_DETACH, ...args];
}

/**
 * Takes the container's lock, starts this program again in a session of its own with the lock as an inherited
 * descriptor, hands it all of stdin, and returns the line for stdout once it can be listed and signalled (specification §13).
 */
export async function detach(
  flags: Flags,
  program: readonly string[],
  args: readonly string[],
): Promise<string> {
  // Checked first, so that what is wrong is an error of this call, which the dispatcher sees.
  readSettings();
  const stdin = flags.stdinConfig ? await readStdin() : undefined;
  if (stdin) parseStdinConfig(stdin.toString("utf8"));
  const lockFd = acquireContainerLock(flags.containerUuid);
  const log = openLog(flags.containerUuid);
  const [command = "", ...rest] = [...log.wrapper, ...childCommandLine(program, args)];
  const stdio: StdioOptions = [stdin ? "pipe" : "ignore", log.target, log.target, lockFd, "pipe"];
  const child = spawn(command, rest, { stdio, detached: true });
  try {
    await Promise.all([ready(child, flags.containerUuid), deliver(child.stdin, stdin)]);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return formatProcessInfo({ uuid: flags.containerUuid, pid: child.pid ?? 0 });
}

/** The journal where there is one, else a file beside the container's output; else nothing. */
function openLog(containerUuid: string): { wrapper: string[]; target: number | "ignore" } {
  if (existsSync("/run/systemd/journal/stdout") && inPath("systemd-cat")) {
    const cat = ["systemd-cat", "--identifier=crunch-run"];
    // Twice: the outer one logs it when the inner one cannot execute the program.
    return { wrapper: [...cat, ...cat], target: "ignore" };
  }
  try {
    const folder = containerDataDir(containerUuid);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return { wrapper: [], target: openSync(join(folder, RUNNER_LOG_NAME), "a", 0o600) };
  } catch {
    // The child meets the same error and reports the node as broken.
    return { wrapper: [], target: "ignore" };
  }
}

function inPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false; // not in this folder
    }
  });
}

/** Resolves when the child can be signalled and listed. Before that SIGUSR2 would kill it. */
function ready(child: ChildProcess, containerUuid: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const where = join(containerDataDir(containerUuid), RUNNER_LOG_NAME);
    const fail = (what: string): void => {
      reject(
        new RunnerError(`detached runner of ${containerUuid} ${what}; see ${where} or the journal`),
      );
    };
    const timer = setTimeout(
      () => fail(`was not ready after ${READY_TIMEOUT_MS / 1000} s`),
      READY_TIMEOUT_MS,
    );
    child.once("error", (error) => fail(`could not be started: ${errorText(error)}`));
    child.once("exit", (code, signal) => fail(`ended at once (${signal ?? `exit ${code}`})`));
    child.stdio[READY_FD]?.once("data", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Resolves when the system has taken all of it: it stays readable after this process has ended. */
function deliver(pipe: Writable | null, data: Uint8Array | undefined): Promise<void> {
  if (!pipe || !data) return Promise.resolve();
  return new Promise((resolve, reject) => {
    // A child that has ended breaks the pipe; `ready` tells why.
    pipe.once("error", (error) => reject(new RunnerError(`detached runner: ${errorText(error)}`)));
    pipe.end(data, resolve);
  });
}

/**
 * In the child: the lock that it was given, after writing its pid there and telling the parent. Undefined when the
 * marker was given by hand. SIGUSR2 must have a handler before.
 */
export function takeOverLock(containerUuid: string): number | undefined {
  if (!isContainerLock(LOCK_FD, containerUuid)) return undefined;
  // Here and not in the parent: a runner whose parent was killed must still be listed.
  writeProcessInfo(LOCK_FD, { uuid: containerUuid, pid: process.pid });
  try {
    writeSync(READY_FD, "ready\n");
    closeSync(READY_FD);
  } catch {
    // The parent is gone; nobody waits for this.
  }
  return LOCK_FD;
}
