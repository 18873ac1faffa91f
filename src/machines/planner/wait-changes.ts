import type { Decision, WaitReason } from "../model/decision.ts";
import { byPriority } from "./order.ts";
import type { PlanQueue } from "./plan-queue.ts";
import type { QueueEntry, QueueItem } from "./queue-entry.ts";
import type { Waiting } from "./waiting.ts";

interface WaitChange {
  readonly item: QueueItem;
  readonly reason: WaitReason | "";
}

/**
 * Why containers wait, where that is not what is recorded, in the order of the queue. The queue has to be as the pass saw
 * it. Costs by what differs: those whose recorded reason is that of most others are not looked at one by one.
 */
export function waitChanges(queue: PlanQueue, waiting: Waiting): Decision[] {
  const changes = new Map<string, WaitChange>();
  const look = ({ containerId, item, waitReason }: QueueEntry): void => {
    if (!item) return;
    const reason = waiting.reasonOf(item);
    if (reason !== waitReason) changes.set(containerId, { item, reason });
  };
  queue.recordedWaits.wrong.forEach(look);
  const { byContainer, throttled, cause } = waiting.outcomes;
  for (const containerId of [...byContainer.keys(), ...throttled]) {
    const entry = queue.get(containerId);
    if (entry) look(entry);
  }
  for (const [reason, entries] of queue.recordedWaits.others) {
    if (reason !== cause) entries.forEach(look);
  }
  lookAtSupervisors(queue, waiting, look);
  return [...changes.values()].sort(inQueueOrder).map(({ item, reason }) => ({
    do: "wait",
    container: item.container.containerId,
    reason,
  }));
}

/** Most of them may be beyond their limit: where as many are recorded to be as there are, it is those. */
function lookAtSupervisors(
  { recordedWaits: { supervisors, idleSupervisors } }: PlanQueue,
  { outcomes: { supervisorsOver, cause } }: Waiting,
  look: (entry: QueueEntry) => void,
): void {
  let missingCount = 0;
  const lookAndCount = (entry: QueueEntry): void => {
    if (entry.item && supervisorsOver.has(entry.item)) missingCount++;
    look(entry);
  };
  idleSupervisors.forEach(lookAndCount);
  for (const [reason, entries] of supervisors) {
    const areAllRight = reason === cause && supervisorsOver.count === 0;
    if (reason !== "supervisorLimit" && !areAllRight) entries.forEach(lookAndCount);
  }
  const recorded = supervisors.get("supervisorLimit");
  if (recorded && recorded.size !== supervisorsOver.count - missingCount) recorded.forEach(look);
}

function inQueueOrder(a: WaitChange, b: WaitChange): number {
  return a.item.group - b.item.group || byPriority(a.item, b.item);
}
