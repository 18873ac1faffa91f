import type { WaitReason } from "../model/decision.ts";
import type { Group } from "./order.ts";
import type { PlanQueue } from "./plan-queue.ts";
import { hasProcess, isWaiting, isWanted, ownReason, type QueueItem } from "./queue-entry.ts";
import { statusText, type WaitStatus } from "./status-text.ts";
import type { SupervisorsOver } from "./supervisors-over.ts";
import type { QueueStatus } from "./view.ts";

const GROUPS: readonly Group[] = [0, 1, 2, 3];
const NO_STATUS: WaitStatus = { reason: "" };
const PREPARING: WaitStatus = { reason: "preparing" };

/** What a pass came to for the containers that wait. */
interface Outcomes {
  /** Of those that it has something to say about. */
  readonly byContainer: ReadonlyMap<string, WaitStatus>;
  /** How many of those have a position; the others come behind them. */
  readonly positionsCount: number;
  readonly supervisorsOver: SupervisorsOver;
  /** Of all others, as other tools know it: it changes with every instance that ends, and with the create of the next one. */
  readonly otherwise: "atQuota" | "atCapacity";
  /** Of them, those that wait for a create that is held back. */
  readonly throttled: ReadonlySet<string>;
  /** What keeps the rest of them back: this is recorded. */
  readonly cause: WaitReason;
}

/** Why containers wait, as a pass left it: by rules where they all have the same reason, so that a long queue costs little. */
export class Waiting {
  readonly outcomes: Outcomes;
  readonly #groups: readonly (readonly QueueItem[])[];
  #statuses: readonly QueueStatus[] | undefined;

  constructor(queue: PlanQueue, outcomes: Outcomes) {
    this.outcomes = outcomes;
    this.#groups = GROUPS.map((group) => queue.sharedGroup(group));
  }

  /** The reason to record. */
  reasonOf(item: QueueItem): WaitReason | "" {
    const own = ownReason(item);
    if (own !== undefined) return own;
    const { byContainer, supervisorsOver, throttled, cause } = this.outcomes;
    const { containerId } = item.container;
    const told = byContainer.get(containerId);
    if (told) return told.reason;
    if (supervisorsOver.has(item)) return "supervisorLimit";
    if (!isWaiting(item.container)) return "";
    return throttled.has(containerId) ? "atCapacity" : cause;
  }

  /** In the order of the queue at the time of the pass, whatever has changed since. Made when first read. */
  statuses(): readonly QueueStatus[] {
    this.#statuses ??= this.#makeStatuses();
    return this.#statuses;
  }

  #makeStatuses(): QueueStatus[] {
    const { byContainer, supervisorsOver, otherwise } = this.outcomes;
    let { positionsCount } = this.outcomes;
    let supervisorsCount = 0;
    const statusOf = (item: QueueItem): WaitStatus => {
      const { containerId, state } = item.container;
      if (hasProcess(item)) return isWaiting(item.container) ? PREPARING : NO_STATUS;
      if (!isWanted(item)) return { reason: "priorityZero", state };
      const told = byContainer.get(containerId);
      if (told) return told;
      if (supervisorsOver.has(item)) {
        return { reason: "supervisorLimit", position: ++supervisorsCount };
      }
      if (!isWaiting(item.container)) return NO_STATUS;
      return { reason: otherwise, position: ++positionsCount };
    };
    return this.#groups.flatMap((items) =>
      items.map((item) => {
        const status = statusOf(item);
        const { containerId } = item.container;
        return { containerId, reason: status.reason, text: statusText(status) };
      }),
    );
  }
}
