import type { ActorKind } from "../model/ids.ts";
import type { ContainerSnapshot } from "../container/container.machine.ts";
import type { WorkerSnapshot } from "../worker/worker.machine.ts";
import type { AnySnapshot, SnapshotOf } from "./registry.ts";

/** When an actor next wants to be told the time (ms), or null. A tick before that changes nothing. */
export function dueAtMs(kind: ActorKind, snapshot: AnySnapshot): number | null {
  switch (kind) {
    case "worker":
      return workerDueAtMs(snapshot as WorkerSnapshot);
    case "container":
      return (snapshot as ContainerSnapshot).context.retryAtMs;
    case "supervisor":
      return (snapshot as SnapshotOf["supervisor"]).context.staleLockDeadlineAtMs;
    case "quota":
    case "capacity":
    case "throttle":
      return (snapshot as SnapshotOf["quota"]).context.untilMs;
    default:
      return kind satisfies never;
  }
}

function workerDueAtMs({ value, context }: WorkerSnapshot): number | null {
  const held = value.idleBehavior === "hold";
  switch (value.lifecycle) {
    case "unknown": {
      const waits = held || Object.keys(context.processes).length > 0;
      return earliest(waits ? null : context.unknownDeadlineAtMs, nextSignalAtMs(context));
    }
    case "idle":
      return held ? null : context.idleDeadlineAtMs;
    case "running":
      return nextSignalAtMs(context);
    default:
      return null;
  }
}

function nextSignalAtMs({ processes }: WorkerSnapshot["context"]): number | null {
  let next: number | null = null;
  for (const process of Object.values(processes))
    next = earliest(next, process.kill?.nextAtMs ?? null);
  return next;
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
