import { seqOfCommand } from "../model/ids.ts";
import type { Settings } from "../model/settings.ts";
import type { Refusal, WorkerContext, WorkerEvent, WorkerEventOf } from "./worker.types.ts";

type Changes = Partial<WorkerContext>;
type Refused = WorkerEventOf<"destroy.failed" | "tags.failed">;

/** The longest that a destroy waits because the cloud asks for peace: whatever it says, an instance costs until it is gone. */
const PEACE_MAX_MS = 3_600_000;

/** The members of a context that journals of earlier versions do not have, as they are at first. */
export const NO_REFUSALS = {
  destroysCount: 0,
  destroyNextAtMs: null,
  destroyAccepted: null,
  destroyRefused: null,
  tagsRefused: null,
} as const satisfies Changes;

/** A destroy is asked for: the next one is due when a list shows the instance after TimeoutShutdown (specification §7.3). */
export function rememberDestroy(context: WorkerContext, event: WorkerEvent): Changes {
  return {
    destroyedAtMs: context.destroyedAtMs ?? event.atMs,
    destroySentAtMs: event.atMs,
    updatedSeq: event.seq,
    destroysCount: context.destroysCount + 1,
    destroyNextAtMs: event.atMs + event.settings.timeoutShutdownMs,
  };
}

/** When a list that still shows the instance has it destroyed again. */
export function nextDestroyAtMs(context: WorkerContext, settings: Settings): number {
  return context.destroyNextAtMs ?? (context.destroySentAtMs ?? 0) + settings.timeoutShutdownMs;
}

export function takeAccepted(
  _context: WorkerContext,
  event: WorkerEventOf<"destroy.accepted">,
): Changes {
  const destroyAccepted = { atMs: event.atMs, seq: seqOfCommand(event.commandId) };
  return { destroyAccepted, destroyRefused: null };
}

/** Not of a destroy that was asked for before the newest one that the cloud took. */
export function isNewestDestroy(
  { destroyAccepted }: WorkerContext,
  event: WorkerEventOf<"destroy.accepted" | "destroy.failed">,
): boolean {
  return destroyAccepted === null || seqOfCommand(event.commandId) > destroyAccepted.seq;
}

export function countDestroyRefused(
  context: WorkerContext,
  event: WorkerEventOf<"destroy.failed">,
): Changes {
  const { retryAtMs = 0 } = event.failure;
  const peaceUntilMs = Math.min(retryAtMs, event.atMs + PEACE_MAX_MS);
  const nextAtMs = Math.max(nextDestroyAtMs(context, event.settings), peaceUntilMs);
  return { destroyRefused: oneMore(context.destroyRefused, event), destroyNextAtMs: nextAtMs };
}

export function countTagsRefused(
  context: WorkerContext,
  event: WorkerEventOf<"tags.failed">,
): Changes {
  return { tagsRefused: oneMore(context.tagsRefused, event) };
}

function oneMore(before: Refusal | null, { atMs, failure }: Refused): Refusal {
  return {
    count: (before?.count ?? 0) + 1,
    sinceMs: before?.sinceMs ?? atMs,
    lastAtMs: atMs,
    error: failure.message,
  };
}
