import type { Settings } from "../model/settings.ts";
import {
  afterDueKills,
  beginKill,
  listingChange,
  newKills,
  processesAfterCrash,
  without,
} from "./worker.processes.ts";
import { NO_REFUSALS } from "./worker.refusals.ts";
import type {
  WorkerContext,
  WorkerEvent,
  WorkerEventOf,
  WorkerInput,
  WorkerProcess,
} from "./worker.types.ts";

type Changes = Partial<WorkerContext>;

/**
 * How long a worker may stay unknown: it may be running a wanted container, so it has as long as any that does (docs/design.md:
 * what the code must never do).
 */
export function unknownPatienceMs(settings: Settings): number {
  return Math.max(settings.timeoutBootingMs, settings.timeoutProbeMs);
}

/** When what an earlier run sent, and nobody now knows of, can turn up no more: counted from the start of this run. */
export function startsUntilMs(startedAtMs: number, settings: Settings): number {
  return startedAtMs + settings.timeoutStartMs;
}

/** No time counts against it in which nobody may take it for idle. */
export function unknownDeadlineAtMs(
  nowMs: number,
  startsUntilMs: number | null,
  settings: Settings,
): number {
  return Math.max(nowMs, startsUntilMs ?? 0) + unknownPatienceMs(settings);
}

export function bornContext(input: WorkerInput): WorkerContext {
  const { workerId, atMs, seq, instanceType, providerType, found } = input;
  return {
    workerId,
    instanceId: found?.instanceId ?? "",
    instanceType,
    providerType,
    address: found?.address ?? "",
    bornAtMs: atMs,
    appearedAtMs: atMs,
    appearedSeq: seq,
    updatedSeq: seq,
    busyAtMs: atMs,
    idleDeadlineAtMs: null,
    unknownDeadlineAtMs: found?.unknownDeadlineAtMs ?? null,
    startsUntilMs: found?.startsUntilMs ?? null,
    destroyedAtMs: null,
    destroySentAtMs: null,
    createOpen: found === null,
    missingSinceMs: null,
    staleSinceMs: null,
    sshConnectedAtMs: null,
    readyAtMs: null,
    bootOutcome: null,
    lastContainerId: "",
    lastError: "",
    processes: {},
    behaviorReason: found?.behaviorReason ?? "",
    shutdownReason: "",
    ...NO_REFUSALS,
  };
}

export function takeInstance(
  _context: WorkerContext,
  event: WorkerEventOf<"instance.seen" | "create.succeeded">,
): Changes {
  return {
    instanceId: event.instanceId,
    address: event.address,
    appearedAtMs: event.atMs,
    appearedSeq: event.seq,
    updatedSeq: event.seq,
    busyAtMs: event.atMs,
    // The list may have shown it before the call returned.
    createOpen: event.type === "instance.seen",
    unknownDeadlineAtMs: null,
    missingSinceMs: null,
  };
}

/** Nobody of this run has probed it (docs/design.md: unknown). */
export function takeUnknown(
  context: WorkerContext,
  event: WorkerEventOf<"instance.seen">,
): Changes {
  const { startsUntilMs = null } = context;
  return {
    ...takeInstance(context, event),
    createOpen: false,
    unknownDeadlineAtMs: unknownDeadlineAtMs(event.atMs, startsUntilMs, event.settings),
  };
}

export function takeAddress(
  _context: WorkerContext,
  event: WorkerEventOf<"instance.seen">,
): Changes {
  return { address: event.address, missingSinceMs: null };
}

export function rememberBoot(
  context: WorkerContext,
  event: WorkerEventOf<"probe.succeeded">,
): Changes {
  return {
    bootOutcome: context.bootOutcome ?? "success",
    readyAtMs: context.readyAtMs ?? event.atMs,
    unknownDeadlineAtMs: null,
    lastError: "",
    updatedSeq: event.seq,
  };
}

export function takeListing(
  context: WorkerContext,
  event: WorkerEventOf<"probe.succeeded">,
): Changes {
  const change = listingChange(context, event);
  return {
    processes: change?.processes ?? context.processes,
    busyAtMs: change ? event.atMs : context.busyAtMs,
    lastContainerId: context.lastContainerId || (event.containerIds[0] ?? ""),
    staleSinceMs: event.stale ? (context.staleSinceMs ?? event.atMs) : null,
    lastError: event.bootError,
    updatedSeq: change ? event.seq : context.updatedSeq,
  };
}

export function beginStart(context: WorkerContext, event: WorkerEventOf<"start.decided">): Changes {
  const process: WorkerProcess = {
    state: "starting",
    sinceMs: event.atMs,
    runningSeq: null,
    settleAtMs: null,
    kill: null,
  };
  return {
    processes: { ...context.processes, [event.containerId]: process },
    lastContainerId: event.containerId,
    busyAtMs: event.atMs,
    updatedSeq: event.seq,
  };
}

/** A start that may or may not have run is left to the probes until it can no longer turn up. */
export function settleStart(
  context: WorkerContext,
  event: WorkerEventOf<"start.returned">,
): Changes {
  const process = context.processes[event.containerId] as WorkerProcess;
  const settled: WorkerProcess =
    event.outcome === "unknown"
      ? { ...process, settleAtMs: event.atMs + event.settings.timeoutStartMs }
      : { ...process, state: "running", runningSeq: event.seq };
  return {
    processes: { ...context.processes, [event.containerId]: settled },
    busyAtMs: event.atMs,
    updatedSeq: event.seq,
    lastError: event.error,
  };
}

export function beginKillOf(context: WorkerContext, event: WorkerEventOf<"kill.decided">): Changes {
  const processes: Record<string, WorkerProcess> = { ...context.processes };
  for (const { containerId, reason } of newKills(context, event)) {
    const process = processes[containerId] as WorkerProcess;
    processes[containerId] = { ...process, kill: beginKill(event, reason) };
  }
  return { processes };
}

export function rememberKills(
  context: WorkerContext,
  event: WorkerEventOf<"clock.ticked">,
): Changes {
  return { processes: afterDueKills(context, event) };
}

export function dropProcess(
  context: WorkerContext,
  event: WorkerEventOf<"kill.returned">,
): Changes {
  return {
    processes: without(context.processes, event.containerId),
    busyAtMs: event.atMs,
    updatedSeq: event.seq,
  };
}

/** The call's outcome is unknown: the worker waits for a list to name it, and is over when one after a deadline does not. */
export function loseCreate(_context: WorkerContext, event: WorkerEvent): Changes {
  return {
    createOpen: false,
    unknownDeadlineAtMs: event.atMs + event.settings.timeoutBootingMs,
    missingSinceMs: null,
  };
}

/** A create that a crash interrupted. An older journal may not know what has been started on its instance since. */
export function doubtCreate(_context: WorkerContext, event: WorkerEvent): Changes {
  return { updatedSeq: event.seq, startsUntilMs: startsUntilMs(event.atMs, event.settings) };
}

/** A new run of the daemon trusts no observation of the last one (docs/design.md: restart). */
export function beginAgain(
  context: WorkerContext,
  event: WorkerEventOf<"daemon.started">,
): Changes {
  const untilMs = event.historyLost
    ? startsUntilMs(event.atMs, event.settings)
    : stillToCome(context.startsUntilMs, event.atMs);
  return {
    processes: processesAfterCrash(context.processes, event),
    createOpen: false,
    updatedSeq: event.seq,
    idleDeadlineAtMs: null,
    unknownDeadlineAtMs: unknownDeadlineAtMs(event.atMs, untilMs, event.settings),
    startsUntilMs: untilMs,
    missingSinceMs: null,
    staleSinceMs: null,
  };
}

/** What the last run waited for, this one has to wait for too. */
function stillToCome(untilMs: number | null = null, nowMs: number): number | null {
  return untilMs !== null && untilMs > nowMs ? untilMs : null;
}

export function becomeIdle(_context: WorkerContext, event: WorkerEvent): Changes {
  return {
    idleDeadlineAtMs: event.atMs + event.settings.timeoutIdleMs,
    busyAtMs: event.atMs,
  };
}
