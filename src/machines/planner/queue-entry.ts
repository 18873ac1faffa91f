import type { WaitReason } from "../model/decision.ts";
import type { Kind } from "./kind.ts";
import type { Group } from "./order.ts";
import type { PlanContainer } from "./view.ts";

/** Null while a process lives, the point at which its exit was noticed, undefined where none is known. */
export type Process = number | null | undefined;

/** A container in the queue's order. A change makes a new one. */
export interface QueueItem {
  readonly container: PlanContainer;
  /** Its priority as a double. */
  readonly rank: number;
  readonly group: Group;
  readonly kind: Kind;
}

/** What is known of a container. A change makes a new one. */
export interface QueueEntry {
  readonly containerId: string;
  /** Undefined for one that the queue does not have: only its process is known. */
  readonly item: QueueItem | undefined;
  readonly process: Process;
  /** The recorded reason why it waits. */
  readonly waitReason: WaitReason | "";
}

export function isWaiting({ state }: PlanContainer): boolean {
  return state === "Queued" || state === "Locked";
}

export function isWanted({ rank }: QueueItem): boolean {
  return rank >= 1;
}

export function hasProcess({ group }: QueueItem): boolean {
  return group < 2;
}

/** Whether it waits to run, and is wanted. */
export function isQueuing(item: QueueItem): boolean {
  return isWanted(item) && isWaiting(item.container);
}

/** Why it waits, where that is told by itself and no pass of the planner changes it. */
export function ownReason(item: QueueItem): WaitReason | "" | undefined {
  if (hasProcess(item)) return isWaiting(item.container) ? "preparing" : "";
  if (!isWanted(item)) return "priorityZero";
  // A workflow that does not wait may still be one too many.
  return isWaiting(item.container) || item.container.supervisor ? undefined : "";
}
