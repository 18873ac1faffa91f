import { byPriority, type Group } from "./order.ts";
import type { PlanQueue } from "./plan-queue.ts";
import { isWanted, type QueueItem } from "./queue-entry.ts";
import { firstIndex, firstNotBefore } from "./sorted-list.ts";

/** A part of a list in order. */
interface Range {
  readonly items: readonly QueueItem[];
  readonly from: number;
  readonly to: number;
}

/**
 * The workflows beyond their limit (specification §6.5 E.4): all supervisors count, those with a process or without priority too.
 * Ranges of the queue, so that a long one costs nothing.
 */
export class SupervisorsOver {
  readonly #locked: Range;
  readonly #others: Range;

  /** `max`: 0 is no limit. `stop` and those behind it are not considered. */
  constructor(queue: PlanQueue, max: number, stop: QueueItem | undefined) {
    const withinLimit = max === 0 ? Infinity : max;
    const left = withinLimit - queue.supervisorsCount(0) - queue.supervisorsCount(1);
    this.#locked = rangeOf(queue, 2, left, stop);
    this.#others = rangeOf(queue, 3, left - queue.supervisorsCount(2), stop);
  }

  get count(): number {
    return countOf(this.#locked) + countOf(this.#others);
  }

  has(item: QueueItem): boolean {
    const { items, from, to } = item.group === 2 ? this.#locked : this.#others;
    if (from >= to || !item.container.supervisor || item.group < 2) return false;
    return byPriority(items[from]!, item) <= 0 && byPriority(item, items[to - 1]!) <= 0;
  }

  /** Those that we hold the lock of, in order. */
  locked(): readonly QueueItem[] {
    const { items, from, to } = this.#locked;
    return items.slice(from, to);
  }
}

function rangeOf(
  queue: PlanQueue,
  group: Group,
  within: number,
  stop: QueueItem | undefined,
): Range {
  const items = queue.sharedSupervisors(group);
  const from = Math.min(Math.max(within, 0), items.length);
  let end = firstIndex(items, (item) => !isWanted(item));
  if (stop && stop.group < group) end = 0;
  else if (stop?.group === group) end = Math.min(end, firstNotBefore(items, stop, byPriority));
  return { items, from, to: Math.max(from, end) };
}

function countOf({ from, to }: Range): number {
  return to - from;
}
