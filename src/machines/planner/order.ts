import type { ContainerState } from "../model/fact.ts";
import type { InstanceType } from "../model/instance-type.ts";
import type { PlanContainer, PlanView, PlanWorker } from "./view.ts";

/** First those with a process, then those we hold the lock of (specification §6.5 B). */
export type Group = 0 | 1 | 2 | 3;

export function groupOf(state: ContainerState, hasProcess: boolean): Group {
  const isLocked = state === "Locked";
  if (hasProcess) return isLocked ? 0 : 1;
  return isLocked ? 2 : 3;
}

/** A container of the queue; `rank` is its priority as a double. */
interface Ranked {
  readonly container: PlanContainer;
  readonly rank: number;
}

/** Within a group: by priority and by who came first. The id settles the rest. */
export function byPriority(a: Ranked, b: Ranked): number {
  // Rounding keeps the order: where two differ as doubles they differ the same way as integers.
  return b.rank - a.rank || byRest(a.container, b.container, !Number.isSafeInteger(a.rank));
}

function byRest(a: PlanContainer, b: PlanContainer, isRounded: boolean): number {
  if (isRounded && a.priority !== b.priority) return a.priority > b.priority ? -1 : 1;
  return a.firstSeenAt - b.firstSeenAt || byText(a.containerId, b.containerId);
}

/** As `byPriority` does: many share a priority, and of those most come in the order in which they were first seen. */
export function sortByPriority<T extends Ranked>(items: readonly T[]): T[] {
  const byRank = new Map<number, T[]>();
  for (const item of items) {
    const same = byRank.get(item.rank);
    if (same) same.push(item);
    else byRank.set(item.rank, [item]);
  }
  // A flat array of numbers is sorted without a call for each comparison.
  const ranks = Float64Array.from(byRank.keys()).sort().reverse();
  const sorted: T[] = [];
  for (const rank of ranks) {
    const same = byRank.get(rank)!;
    const isInOrder = same.every((item, at) => at === 0 || byPriority(same[at - 1]!, item) < 0);
    if (!isInOrder) same.sort(byPriority);
    for (const item of same) sorted.push(item);
  }
  return sorted;
}

/** The order in which containers are considered (specification §6.5 B). */
export function inQueueOrder(view: PlanView): PlanContainer[] {
  const groups: Ranked[][] = [[], [], [], []];
  for (const container of view.containers) {
    const group = groupOf(container.state, view.running.has(container.containerId));
    groups[group]!.push({ container, rank: Number(container.priority) });
  }
  return groups.flatMap((group) => sortByPriority(group).map(({ container }) => container));
}

/** Cheapest first, then the larger one; an instance that the cloud has not named yet before others of its kind. */
export function byUse(
  a: { worker: PlanWorker; type: InstanceType | undefined },
  b: { worker: PlanWorker; type: InstanceType | undefined },
): number {
  return (
    (a.type?.price ?? 0) - (b.type?.price ?? 0) ||
    (b.type?.vcpus ?? 0) - (a.type?.vcpus ?? 0) ||
    (b.type?.ram ?? 0) - (a.type?.ram ?? 0) ||
    (b.type?.scratch ?? 0) - (a.type?.scratch ?? 0) ||
    byText(a.worker.instanceId, b.worker.instanceId) ||
    byText(a.worker.workerId, b.worker.workerId)
  );
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
