import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "./log.ts";
import { errorCode, errorText, RunnerError } from "./paths.ts";
import { findProcesses, type FoundProcess } from "./process-table.ts";

export interface CommandOptions {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdoutFd: number;
  readonly stderrFd: number;
  /** Inherited by the command, so that the container stays locked while any process of it lives. */
  readonly lockFd: number;
  /** Value of CRUNCH_RUN_ATTEMPT, by which processes that left the group are found again. Unique on this machine. */
  readonly attemptId: string;
  readonly log: Log;
}

export interface RunningCommand {
  readonly pid: number;
  /** The exit code of the command itself; 128 + n after signal n. */
  readonly ended: Promise<number>;
  /** SIGTERM to all of its processes, SIGKILL to those that are left after the grace; resolves when none is. */
  terminate(graceMs: number): Promise<void>;
  /** SIGKILL to what an ended command left behind; resolves when nothing is. */
  sweep(): Promise<void>;
}

/** The machine, not the container, is the reason that a command cannot start. */
export class NodeTroubleError extends RunnerError {}

const MARKER_NAME = "CRUNCH_RUN_ATTEMPT";
const NODE_TROUBLE = new Set(["EAGAIN", "ENOMEM", "EMFILE", "ENFILE", "ENOSPC"]);

// All else of the runner's environment, its token above all, stays with the runner.
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ"];
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Starts the command in a session and process group of its own. Rejects with `RunnerError` naming the command when it
 * cannot start, `NodeTroubleError` if that is the machine's fault.
 */
export async function startCommand(options: CommandOptions): Promise<RunningCommand> {
  const [program, ...args] = options.argv;
  if (program === undefined || program === "") {
    throw new RunnerError("the container's record has no command");
  }
  let child: ChildProcess;
  try {
    child = spawn(program, args, spawnOptions(options));
    const ended = once(child, "exit");
    ended.catch(() => undefined); // an error before the start is seen below
    await once(child, "spawn");
    return control(child, ended as Promise<ExitEvent>, options);
  } catch (error) {
    const Kind = NODE_TROUBLE.has(errorCode(error) ?? "") ? NodeTroubleError : RunnerError;
    throw new Kind(`command ${JSON.stringify(program)} could not be started: ${reason(error)}`, {
      cause: error,
    });
  }
}

function spawnOptions(options: CommandOptions): SpawnOptions {
  const environment: Record<string, string> = { PATH: DEFAULT_PATH };
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  Object.assign(environment, options.environment, { [MARKER_NAME]: options.attemptId });
  return {
    cwd: options.cwd,
    env: environment,
    detached: true,
    stdio: ["ignore", options.stdoutFd, options.stderrFd, options.lockFd],
  };
}

function reason(error: unknown): string {
  const text = errorText(error);
  if (errorCode(error) === "ENOENT") return `not found (${text})`;
  if (errorCode(error) === "EACCES") return `not executable (${text})`;
  return text;
}

type ExitEvent = [code: number | null, signal: NodeJS.Signals | null];

function control(
  child: ChildProcess,
  exit: Promise<ExitEvent>,
  options: CommandOptions,
): RunningCommand {
  const pid = child.pid ?? 0;
  const disarm = armWatchdog(pid, options.log);
  const alive = (): FoundProcess[] => findProcesses(pid, `${MARKER_NAME}=${options.attemptId}`);
  const sweep = async (): Promise<void> => {
    await killUntilGone(alive, options.log);
    disarm();
  };
  return {
    pid,
    ended: exit.then(([code, signal]) => code ?? 128 + (signal ? constants.signals[signal] : 0)),
    sweep,
    terminate: async (graceMs) => {
      const deadlineMs = performance.now() + graceMs;
      // The group as one, so that no member gets it twice or is missed while it forks.
      const outsiders = alive().filter((found) => !found.inGroup);
      signalAll([-pid, ...outsiders.map((found) => found.pid)], "SIGTERM");
      while (alive().length > 0 && performance.now() < deadlineMs) {
        await delay(Math.min(50, graceMs));
      }
      await sweep();
    },
  };
}

/**
 * A shell that kills the group as soon as its input ends, which happens when this process dies in whatever way. What
 * has left the group survives that, still holding the lock: `--list` reports it as stale.
 */
function armWatchdog(groupId: number, log: Log): () => void {
  const script = 'read -r _ || kill -s KILL -- "-$1"';
  const watchdog = spawn("/bin/sh", ["-c", script, "sh", String(groupId)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
    env: {},
  });
  watchdog.on("error", (error) => log(`no watchdog for the command: ${errorText(error)}`));
  watchdog.stdin.on("error", () => undefined); // it was killed: nothing is left to tell it
  watchdog.unref();
  return () => void watchdog.stdin.end("\n");
}

async function killUntilGone(alive: () => FoundProcess[], log: Log): Promise<void> {
  // Without end: a process that cannot be killed must keep the container locked and this runner listed.
  for (let attempt = 0; ; attempt++) {
    const pids = alive().map((found) => found.pid);
    if (pids.length === 0) return;
    if (attempt % 30 === 29) log(`processes survive SIGKILL: ${pids.join(" ")}`);
    signalAll(pids, "SIGKILL");
    await delay(Math.min(1000, 5 * 2 ** attempt));
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      continue; // ended meanwhile, or another user's: the caller looks again
    }
  }
}
