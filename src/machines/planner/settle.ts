import type { Decision } from "../model/decision.ts";
import type { Process } from "./queue-entry.ts";
import type { PlanContainer, PlanMoment } from "./view.ts";

export type ContainerDecision = Decision & { readonly container: string };

interface Circumstances extends Required<Pick<PlanMoment, "queueUpdatedAt" | "allAnswered">> {
  /** A worker is there that nobody has asked yet. */
  readonly anyUnknown: boolean;
}

/** Whether reconciling might concern the container, whatever the circumstances. */
export function mayNeedSettling({ state, priority }: PlanContainer, process: Process): boolean {
  if (priority < 1n) return true;
  switch (state) {
    case "Queued":
      return process !== undefined;
    case "Locked":
      return typeof process === "number";
    case "Running":
      return process !== null;
    case "Complete":
    case "Cancelled":
      return true;
  }
}

/**
 * Whether a container without a process can have none, and its record is newer than the moment at which this became known:
 * it may be on a worker that nobody has asked yet, or may have ended, and said so, since the poll began.
 */
export function isMissed(
  { unseenAt = null, lostAt = null }: Pick<PlanContainer, "unseenAt" | "lostAt">,
  { queueUpdatedAt, allAnswered, anyUnknown }: Circumstances,
): boolean {
  if (anyUnknown) return false;
  const isLostSince = lostAt !== null && lostAt >= queueUpdatedAt;
  return !isLostSince && (unseenAt === null || allAnswered(unseenAt));
}

/** What to do with one container (specification §6.7); nothing where it is as it should be. */
export function settle(
  planned: PlanContainer,
  process: Process,
  circumstances: Circumstances,
): ContainerDecision | undefined {
  const { containerId: container, state, priority, busy } = planned;
  const { queueUpdatedAt } = circumstances;
  if (busy) return undefined;
  const hasProcess = process !== undefined;
  const exitedAt = process ?? null;
  // What the record says is newer than the exit: the process had its chance to tell how it ended.
  const endedBefore = exitedAt !== null && exitedAt < queueUpdatedAt;
  const unwanted = priority < 1n;
  switch (state) {
    case "Running":
      if (!hasProcess) {
        if (!isMissed(planned, circumstances)) return undefined;
        return { do: "cancel", container, reason: "not running on any worker" };
      }
      if (endedBefore) {
        return { do: "cancel", container, reason: "state=Running after crunch-run exited" };
      }
      return unwanted ? { do: "kill", container, reason: "priority=0" } : undefined;
    case "Complete":
    case "Cancelled":
      return { do: hasProcess ? "kill" : "forget", container, reason: `state=${state}` };
    case "Queued":
      if (hasProcess) {
        const reason = "pool says running, but queue says state=Queued";
        return { do: "kill", container, reason };
      }
      return unwanted ? { do: "forget", container, reason: "on hold: priority=0" } : undefined;
    case "Locked":
      if (endedBefore) return { do: "requeue", container, reason: "crunch-run exited" };
      if (!unwanted || exitedAt !== null) return undefined;
      return { do: hasProcess ? "kill" : "requeue", container, reason: "priority=0" };
  }
}
