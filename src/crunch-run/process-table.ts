import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { errorCode } from "./paths.ts";

interface ProcessStat {
  /** One letter, as in proc(5). */
  readonly state: string;
  readonly groupId: number;
  /** Since the machine's boot. */
  readonly startedAfterBootMs: number;
}

// USER_HZ, which /proc counts in, is 100 on every Linux port that Node runs on.
const MS_PER_TICK = 10;

/** Undefined when there is no such process. */
function processStat(pid: number | string): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined; // it ended meanwhile
  }
  // The name, in parentheses, may hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    state: fields[0] ?? "",
    groupId: Number(fields[2]),
    startedAfterBootMs: Number(fields[19]) * MS_PER_TICK,
  };
}

function hasEnded(stat: ProcessStat): boolean {
  return stat.state === "Z" || stat.state === "X";
}

export interface FoundProcess {
  readonly pid: number;
  readonly inGroup: boolean;
}

/** Processes, zombies aside, of the group or with `marker` ("NAME=value") in the environment they began with. */
export function findProcesses(groupId: number, marker: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const stat = processStat(name);
    if (!stat || hasEnded(stat)) continue;
    const inGroup = stat.groupId === groupId;
    if (inGroup || beganWith(name, marker)) found.push({ pid: Number(name), inGroup });
  }
  return found;
}

function beganWith(pid: string, marker: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(`\0${marker}\0`);
  } catch {
    return false; // ended, or another user's
  }
}

export type Delivery = "delivered" | "gone";

/**
 * Sends `signal` (0 only looks) to the runner that a lock file names. "gone" when it has ended, or when its pid has
 * passed to a stranger: one that began after the file was written and does not have it open, as every runner has.
 */
export function signalRunner(pid: number, signal: number | "SIGUSR2", lockFile: string): Delivery {
  const stat = processStat(pid);
  if (!stat || hasEnded(stat) || isStranger(pid, stat, lockFile)) return "gone";
  try {
    process.kill(pid, signal);
    return "delivered";
  } catch (error) {
    if (errorCode(error) === "ESRCH") return "gone";
    if (errorCode(error) === "EPERM") return "delivered"; // alive, and another user's
    throw error;
  }
}

function isStranger(pid: number, stat: ProcessStat, lockFile: string): boolean {
  try {
    const lock = statSync(lockFile);
    const uptimeMs = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
    const startedAtMs = Date.now() - uptimeMs + stat.startedAfterBootMs;
    // A second of tolerance for ticks and a clock that is being slewed.
    if (startedAtMs < lock.mtimeMs + 1000) return false;
    return !hasOpen(pid, lock);
  } catch {
    return false; // cannot be told: take it for the runner
  }
}

/** Throws where that process has ended, or may not be looked at. */
export function hasOpen(pid: number, file: { dev: number; ino: number }): boolean {
  const folder = `/proc/${pid}/fd`;
  for (const name of readdirSync(folder)) {
    try {
      if (!readlinkSync(`${folder}/${name}`).startsWith("/")) continue;
      const open = statSync(`${folder}/${name}`);
      if (open.dev === file.dev && open.ino === file.ino) return true;
    } catch {
      continue; // closed meanwhile
    }
  }
  return false;
}
