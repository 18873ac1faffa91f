import type { StateMeta } from "../chart/state-meta.ts";
import type { IdleBehavior } from "../model/command.ts";
import { seqOfCommand } from "../model/ids.ts";
import type { WorkerState } from "../model/worker-state.ts";
import type { WorkerContext } from "./worker.types.ts";

interface Worker {
  readonly value: { readonly idleBehavior: IdleBehavior };
  readonly context: WorkerContext;
}

/** What a state of a worker's life says of itself. */
export interface LifecycleMeta extends StateMeta<Worker> {
  readonly shownAs: WorkerState;
  /** Its instance is asked how it is. */
  readonly isProbed: boolean;
  /**
   * Whether it may run what this run of the dispatcher, which began at `startedSeq`, has not started: it was there before, as
   * far as anybody knows, and has not been given up.
   */
  readonly mayHide: (context: WorkerContext, startedSeq: number) => boolean;
}

/** An unknown worker that lists containers is never given up for its age. */
export function unknownDueAtMs({ value, context }: Worker): number | null {
  const held = value.idleBehavior === "hold";
  const waits = held || Object.keys(context.processes).length > 0;
  return earliest(waits ? null : context.unknownDeadlineAtMs, nextSignalAtMs({ context }));
}

export function idleDueAtMs({ value, context }: Worker): number | null {
  const held = value.idleBehavior === "hold";
  return held ? null : context.idleDeadlineAtMs;
}

export function nextSignalAtMs({ context }: Pick<Worker, "context">): number | null {
  let next: number | null = null;
  for (const process of Object.values(context.processes))
    next = earliest(next, process.kill?.nextAtMs ?? null);
  return next;
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}

export function isOfEarlierRun(
  { workerId, instanceId }: WorkerContext,
  startedSeq: number,
): boolean {
  const isOfThisRun = workerId !== instanceId && seqOfCommand(workerId) > startedSeq;
  return !isOfThisRun;
}
