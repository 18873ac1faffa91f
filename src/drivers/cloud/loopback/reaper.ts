import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  hasEnvironment,
  holdsFileIn,
  isAlive,
  listProcesses,
  readProcess,
  type ProcessEntry,
} from "./process-table.ts";
import { instancePaths, readProcessRecord } from "./state.ts";

export type SetTimer = (delayMs: number, callback: () => void) => () => void;

export interface ReapOptions {
  readonly stateDir: string;
  /** What they have to end in good order: runners report to the API. 0 kills at once. */
  readonly graceMs: number;
  readonly nowMs: () => number;
  readonly setTimer: SetTimer;
  readonly signal?: AbortSignal;
}

const POLL_MS = 20;
/** What SIGKILL may take each time; beyond it a process hangs in the kernel. */
const KILL_MS = 1000;
/** Some may start others while they are being killed. */
const KILL_ROUNDS_MAX = 10;

/**
 * Ends all processes of an instance, as the end of a VM would: the instance itself, runners, their commands and
 * whatever else was started over SSH. Throws if some live on.
 */
export async function reap(options: ReapOptions): Promise<void> {
  const known = new Set<number>();
  if (options.graceMs > 0) {
    await waitForEnd(terminate(options.stateDir, known), options.graceMs, options);
  }
  for (let round = 0; ; round++) {
    const left = findProcesses(options.stateDir, known);
    if (left.length === 0) return;
    if (round === KILL_ROUNDS_MAX) {
      throw new Error(`processes ${left.map(({ pid }) => pid).join(", ")} do not end by SIGKILL`);
    }
    for (const { pid } of left) sendSignal(pid, "SIGKILL");
    await waitForEnd(left, KILL_MS, options);
  }
}

async function waitForEnd(
  processes: readonly ProcessEntry[],
  timeoutMs: number,
  options: ReapOptions,
): Promise<void> {
  const startedAtMs = options.nowMs();
  while (options.nowMs() < startedAtMs + timeoutMs) {
    const isEnded = processes.every((was) => readProcess(was.pid)?.startTicks !== was.startTicks);
    if (isEnded) return;
    await pause(options);
  }
}

/** Commands of runners are left to their runners, which then report what became of them. */
function terminate(stateDir: string, known: Set<number>): ProcessEntry[] {
  const all = findProcesses(stateDir, known);
  const runnerPids = readRunnerPids(instancePaths(stateDir).lockDir);
  const runners = all.filter(({ pid }) => runnerPids.has(pid));
  const ofRunners = new Set(runners.map(({ pid }) => pid));
  addDescendants(ofRunners, all);
  for (const { pid } of all) {
    if (runnerPids.has(pid) || !ofRunners.has(pid)) sendSignal(pid, "SIGTERM");
  }
  return all;
}

/**
 * The processes that belong to the instance and are alive. They are found by what they were started with, and by their
 * descent from others: a command may clear its environment. `known` collects them, since those that are dead already
 * still name the groups and sessions that they led.
 */
function findProcesses(stateDir: string, known: Set<number>): ProcessEntry[] {
  const { lockDir } = instancePaths(stateDir);
  const instance = readProcessRecord(stateDir);
  // Nothing of an instance is older than itself. This spares most of the machine's open files.
  const all = listProcesses().filter(
    ({ pid, startTicks }) =>
      pid !== process.pid && (!instance || Number(startTicks) >= Number(instance.startTicks)),
  );
  for (const { pid } of all) {
    const isOurs =
      (pid === instance?.pid && isAlive(instance)) ||
      hasEnvironment(pid, `CRUNCH_RUN_LOCK_DIR=${lockDir}`) ||
      holdsFileIn(pid, lockDir);
    if (isOurs) known.add(pid);
  }
  addDescendants(known, all);
  return all.filter(({ pid }) => known.has(pid));
}

/** Adds the children of those, and the groups and sessions that one of them leads. */
function addDescendants(pids: Set<number>, all: readonly ProcessEntry[]): void {
  for (let before = -1; before !== pids.size;) {
    before = pids.size;
    for (const { pid, parentPid, groupId, sessionId } of all) {
      if (pids.has(parentPid) || pids.has(groupId) || pids.has(sessionId)) pids.add(pid);
    }
  }
}

/** As the runners noted them in their lock files (specification §13). */
function readRunnerPids(lockDir: string): Set<number> {
  const pids = new Set<number>();
  for (const name of tryReaddir(lockDir)) {
    if (!/^crunch-run-.*\.lock$/.test(name)) continue;
    try {
      const { PID } = JSON.parse(readFileSync(join(lockDir, name), "utf8")) as { PID?: unknown };
      if (typeof PID === "number") pids.add(PID);
    } catch {
      // Empty or half written: a runner that is only just starting.
    }
  }
  return pids;
}

function tryReaddir(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended meanwhile.
  }
}

function pause({ setTimer, signal }: ReapOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = setTimer(POLL_MS, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
}
