import type { Notice } from "../model/notice.ts";
import type { Settings } from "../model/settings.ts";
import type {
  KillSchedule,
  KillWish,
  Processes,
  WorkerContext,
  WorkerEventOf,
  WorkerProcess,
} from "./worker.types.ts";

/** What a listing changes (specification §7.8 step 8), in order of id; undefined when it changes nothing. */
export function listingChange(
  context: WorkerContext,
  event: WorkerEventOf<"probe.succeeded">,
): { processes: Processes; notices: Notice[] } | undefined {
  const { processes, workerId } = context;
  const listed = new Set(event.containerIds);
  const next: Record<string, WorkerProcess> = {};
  const notices: Notice[] = [];
  let changed = false;
  for (const containerId of idsOf(processes)) {
    const process = processes[containerId] as WorkerProcess;
    if (listed.has(containerId)) {
      const seen =
        process.state === "running"
          ? process
          : { ...process, state: "running" as const, runningSeq: event.seq, settleAtMs: null };
      next[containerId] = seen;
      if (seen !== process) notices.push({ type: "process.seen", containerId, workerId });
    } else if (process.state === "starting" && !neverRan(process, event.startedAtMs)) {
      next[containerId] = process;
    } else {
      notices.push({ type: "process.ended", containerId, workerId, how: "exited" });
      changed = true;
    }
  }
  for (const containerId of event.containerIds) {
    if (containerId in next) continue;
    next[containerId] = {
      state: "running",
      sinceMs: event.atMs,
      runningSeq: event.seq,
      settleAtMs: null,
      kill: null,
    };
    notices.push({ type: "process.seen", containerId, workerId });
  }
  return changed || notices.length > 0 ? { processes: next, notices } : undefined;
}

/** Whether all processes run, and a listing names just these. */
export function isAsListed(processes: Processes, containerIds: readonly string[]): boolean {
  // The names of a listing differ, so that as many as there are processes, all of them known, are all of them.
  let count = containerIds.length;
  for (const id of containerIds) if (processes[id]?.state !== "running") return false;
  for (const _ in processes) count--;
  return count === 0;
}

function neverRan(process: WorkerProcess, probeStartedAtMs: number): boolean {
  return process.settleAtMs !== null && probeStartedAtMs > process.settleAtMs;
}

/** The process list of a worker that is gone: nobody knows what became of them (specification §7.3). */
export function abandonNotices({ processes, workerId }: WorkerContext): Notice[] {
  return idsOf(processes).map((containerId) => ({
    type: "process.ended",
    containerId,
    workerId,
    how: "abandoned",
  }));
}

export function idsOf(processes: Processes): string[] {
  return Object.keys(processes).sort();
}

export function without(processes: Processes, containerId: string): Processes {
  const { [containerId]: _gone, ...rest } = processes;
  return rest;
}

/** Of what is to end, each process once that has no SIGTERM schedule yet. */
export function newKills(
  { processes }: WorkerContext,
  { kills }: WorkerEventOf<"kill.decided">,
): readonly KillWish[] {
  const wishes = new Map<string, KillWish>();
  for (const wish of kills)
    if (processes[wish.containerId]?.kill === null && !wishes.has(wish.containerId))
      wishes.set(wish.containerId, wish);
  return [...wishes.values()];
}

/** Begins a SIGTERM schedule: the first signal is sent at once (specification §7.9). */
export function beginKill(
  { atMs, settings }: WorkerEventOf<"kill.decided">,
  reason: string,
): KillSchedule {
  return {
    reason,
    sinceMs: atMs,
    deadlineAtMs: atMs + settings.timeoutTermMs,
    nextAtMs: atMs + signalPauseMs(settings),
  };
}

/** Never none at all: the schedule has to come to its end. */
function signalPauseMs(settings: Settings): number {
  return Math.max(1, settings.timeoutSignalMs);
}

/** Processes whose next signal is due, or whose time to obey is up. */
export function dueKills(
  context: WorkerContext,
  atMs: number,
): { signal: string[]; giveUp: string[] } {
  const signal: string[] = [];
  const giveUp: string[] = [];
  for (const containerId of idsOf(context.processes)) {
    const kill = context.processes[containerId]?.kill;
    if (!kill || kill.nextAtMs === null || atMs < kill.nextAtMs) continue;
    (atMs >= kill.deadlineAtMs ? giveUp : signal).push(containerId);
  }
  return { signal, giveUp };
}

export function afterDueKills(
  context: WorkerContext,
  event: WorkerEventOf<"clock.ticked">,
): Processes {
  const { signal, giveUp } = dueKills(context, event.atMs);
  const next: Record<string, WorkerProcess> = { ...context.processes };
  const schedule = (containerId: string, nextAtMs: number | null): void => {
    const process = next[containerId] as WorkerProcess;
    next[containerId] = { ...process, kill: { ...(process.kill as KillSchedule), nextAtMs } };
  };
  for (const containerId of signal)
    schedule(containerId, event.atMs + signalPauseMs(event.settings));
  for (const containerId of giveUp) schedule(containerId, null);
  return next;
}

export function hasGivenUp(process: WorkerProcess): boolean {
  return process.kill !== null && process.kill.nextAtMs === null;
}

/**
 * After a crash a probe decides about starts that were in flight, and SIGTERM schedules begin again, since nobody counted
 * the signals and the answers meanwhile (docs/design.md: crash in flight).
 */
export function processesAfterCrash(
  processes: Processes,
  { atMs, settings }: { atMs: number; settings: Settings },
): Processes {
  const next: Record<string, WorkerProcess> = {};
  for (const containerId of idsOf(processes)) {
    const process = processes[containerId] as WorkerProcess;
    const { state, kill } = process;
    next[containerId] = {
      ...process,
      settleAtMs: state === "starting" ? atMs + settings.timeoutStartMs : process.settleAtMs,
      kill: kill && {
        ...kill,
        deadlineAtMs: atMs + settings.timeoutTermMs,
        nextAtMs: kill.nextAtMs === null ? null : atMs,
      },
    };
  }
  return next;
}
