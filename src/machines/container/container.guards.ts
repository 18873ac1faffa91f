import type { ContainerState } from "../model/fact.ts";
import type { ContainerContext, ContainerEventOf, ReportedProcess } from "./container.types.ts";

type Told = ContainerEventOf<
  "container.added" | "container.changed" | "container.rejected" | "operation.succeeded"
>;

/** A poll that began before our last call ended may show what was before it (specification §4.2). */
export function isCurrent(context: ContainerContext, event: { basedOnSeq: number }): boolean {
  return event.basedOnSeq >= context.updatedSeq;
}

export function becomes(context: ContainerContext, event: Told, state: ContainerState): boolean {
  const told = event.type === "container.added" ? event.record.state : event.state;
  if (told !== state) return false;
  return event.type === "operation.succeeded" || isCurrent(context, event);
}

export function notRejected({ rejection }: ContainerContext): boolean {
  return rejection === "";
}

/** What is on hold cannot be locked, so it cannot be cancelled either (specification §4.4). */
export function wanted({ priority }: ContainerContext): boolean {
  return BigInt(priority) > 0n;
}

/** A poll that began since it was given up shows the lock that had no answer. */
export function lockArrived(
  context: ContainerContext,
  event: ContainerEventOf<"container.changed">,
): boolean {
  return context.lockMayArrive === true && event.state === "Locked" && isCurrent(context, event);
}

export function retryDue(
  context: ContainerContext,
  event: ContainerEventOf<"clock.ticked">,
): boolean {
  return context.retryAtMs !== null && event.atMs >= context.retryAtMs;
}

export function waitChanged(
  context: ContainerContext,
  event: ContainerEventOf<"wait.decided">,
): boolean {
  return event.reason !== context.waitReason;
}

export function historyLost(
  _context: ContainerContext,
  event: ContainerEventOf<"daemon.started">,
): boolean {
  return event.historyLost === true;
}

type ProcessNotice = ContainerEventOf<
  "process.starting" | "process.seen" | "process.unkillable" | "process.ended"
>;

/** What each worker reports once the notice is taken. */
export function processesAfter(
  context: ContainerContext,
  notice: ProcessNotice,
): Readonly<Record<string, ReportedProcess>> {
  const { [notice.workerId]: _before, ...others } = context.processes;
  switch (notice.type) {
    case "process.starting":
      return { ...others, [notice.workerId]: "starting" };
    case "process.seen":
      return { ...others, [notice.workerId]: "running" };
    case "process.unkillable":
      return { ...others, [notice.workerId]: "unkillable" };
    case "process.ended":
      return others;
    default:
      return notice satisfies never;
  }
}

/** Another worker than the one that tells. */
export const reportedElsewhere =
  (report: ReportedProcess) =>
  ({ processes }: ContainerContext, { workerId }: ProcessNotice): boolean =>
    Object.entries(processes).some(([id, reported]) => id !== workerId && reported === report);

export function hasExited(
  _context: ContainerContext,
  { how }: ContainerEventOf<"process.ended">,
): boolean {
  return how === "exited";
}

export function lastProcessEnds(
  context: ContainerContext,
  notice: ContainerEventOf<"process.ended">,
): boolean {
  return Object.keys(processesAfter(context, notice)).length === 0;
}
