import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Names one process for ever, although pids come again and machines boot again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the boot of the machine to the start of the process. */
  readonly startTicks: string;
  readonly bootId: string;
}

export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  readonly startTicks: string;
}

/** The process of that pid; undefined if there is none or if it has ended and waits to be reaped. */
export function readProcess(pid: number): ProcessEntry | undefined {
  const stat = tryRead(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets, and may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (!fields) return undefined;
  const [state, parentPid, groupId, sessionId] = fields;
  if (state === "Z" || state === "X") return undefined;
  return {
    pid,
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    sessionId: Number(sessionId),
    startTicks: fields[19] ?? "",
  };
}

export function identify(pid: number): ProcessIdentity | undefined {
  const entry = readProcess(pid);
  return entry && { pid, startTicks: entry.startTicks, bootId: readBootId() };
}

export function isAlive(identity: ProcessIdentity): boolean {
  const entry = readProcess(identity.pid);
  return entry?.startTicks === identity.startTicks && identity.bootId === readBootId();
}

export function listProcesses(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((entry) => entry !== undefined);
}

/** Whether it was started with this entry (`NAME=value`) in its environment. */
export function hasEnvironment(pid: number, entry: string): boolean {
  return tryRead(`/proc/${pid}/environ`)?.split("\0").includes(entry) ?? false;
}

/** Whether it holds a file of that folder open. */
export function holdsFileIn(pid: number, folder: string): boolean {
  const fds = `/proc/${pid}/fd`;
  try {
    return readdirSync(fds).some((fd) => tryReadlink(`${fds}/${fd}`)?.startsWith(`${folder}/`));
  } catch {
    // It has ended, or it is another user's.
    return false;
  }
}

function readBootId(): string {
  return tryRead("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function tryReadlink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
