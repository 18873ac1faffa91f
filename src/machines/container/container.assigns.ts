import { processesAfter } from "./container.guards.ts";
import type { ContainerContext, ContainerEventOf, ContainerInput } from "./container.types.ts";

type Changes = Partial<ContainerContext>;

/** The pause after a failed call doubles from the first to the last of these. */
const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 30_000;
/**
 * As long, at least, after a lock or an unlock without an answer: it may yet arrive. An unlock must not find what we start
 * in between, nor a lock what we end since somebody else has given it back.
 */
const LATE_CALL_MS = 60_000;

const NOTHING = { vcpus: 0, ram: 0, scratch: 0, gpus: 0, gpuVram: 0 } as const;

export function bornContext({ containerId, atMs, seq }: ContainerInput): ContainerContext {
  return {
    containerId,
    priority: "0",
    createdAtMs: atMs,
    supervisor: false,
    record: null,
    resources: NOTHING,
    instanceTypes: [],
    unfit: "",
    firstSeenSeq: seq,
    firstSeenAtMs: atMs,
    updatedSeq: 0,
    processes: {},
    exitedSeq: null,
    exitedAtMs: null,
    unseenSeq: null,
    lostSeq: null,
    retryAtMs: null,
    failuresCount: 0,
    lockMayArrive: false,
    lastError: "",
    rejection: "",
    waitReason: "",
    waitSinceMs: atMs,
  };
}

export function takeRecord(
  context: ContainerContext,
  event: ContainerEventOf<"container.added" | "container.rejected">,
): Changes {
  if (event.type === "container.rejected") return { rejection: event.error };
  const { record, choice } = event;
  return {
    priority: record.priority,
    createdAtMs: record.createdAtMs,
    supervisor: record.supervisor,
    record,
    resources: choice?.resources ?? context.resources,
    instanceTypes: choice?.instanceTypes ?? [],
    unfit: choice?.unfit ?? "",
    rejection: "",
    firstSeenSeq: event.seq,
    firstSeenAtMs: event.atMs,
  };
}

export function takePriority(
  _context: ContainerContext,
  event: ContainerEventOf<"container.changed">,
): Changes {
  return { priority: event.priority };
}

export function takeResult(
  context: ContainerContext,
  event: ContainerEventOf<"operation.succeeded">,
): Changes {
  const result = { priority: event.priority ?? context.priority, updatedSeq: event.seq };
  // Who has just locked it has started nothing, and nobody else can have.
  return event.operation === "lock" ? { ...result, unseenSeq: null } : result;
}

export function rememberFailure(
  context: ContainerContext,
  event: ContainerEventOf<"operation.failed">,
): Changes {
  const retryMs = Math.min(RETRY_FIRST_MS * 2 ** context.failuresCount, RETRY_LAST_MS);
  const mayArriveYet = event.operation !== "cancel" && event.failure.code === "timeout";
  const pauseMs = mayArriveYet ? Math.max(retryMs, LATE_CALL_MS) : retryMs;
  return {
    retryAtMs: event.atMs + pauseMs,
    lockMayArrive: mayArriveYet && event.operation === "lock",
    failuresCount: context.failuresCount + 1,
    lastError: event.failure.message,
    updatedSeq: event.seq,
  };
}

/** The lock has arrived: nothing of it is to come. */
export function shortenPause(
  { retryAtMs }: ContainerContext,
  { atMs }: ContainerEventOf<"container.changed">,
): Changes {
  return { retryAtMs: Math.min(retryAtMs ?? atMs, atMs + RETRY_FIRST_MS), lockMayArrive: false };
}

export function takeProcess(
  context: ContainerContext,
  event: ContainerEventOf<
    "process.starting" | "process.seen" | "process.unkillable" | "process.ended"
  >,
): Changes {
  const processes = processesAfter(context, event);
  const none = Object.keys(processes).length === 0;
  if (event.type === "process.ended" && event.how === "exited" && none)
    return { processes, exitedSeq: event.seq, exitedAtMs: event.atMs, unseenSeq: null };
  if (none) return { processes, lostSeq: event.seq, unseenSeq: null };
  return { processes, exitedSeq: null, exitedAtMs: null, lostSeq: null, unseenSeq: null };
}

export function takeWait(
  _context: ContainerContext,
  event: ContainerEventOf<"wait.decided">,
): Changes {
  return { waitReason: event.reason, waitSinceMs: event.atMs };
}
