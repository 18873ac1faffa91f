import type { InstanceType } from "../model/instance-type.ts";
import type { PlanContainer, PlanView, PlanWorker } from "./view.ts";

/**
 * The order in which containers are considered (spec §6.5 B): those with a process, then those we hold the lock of, then
 * by priority and by who came first. The id settles the rest.
 */
export function inQueueOrder(view: PlanView): PlanContainer[] {
  const ranked = view.containers.map((container) => ({
    container,
    group:
      (view.running.has(container.containerId) ? 0 : 2) + (container.state === "Locked" ? 0 : 1),
    // Rounding keeps the order: where two differ as doubles they differ the same way as integers.
    priority: Number(container.priority),
  }));
  ranked.sort(
    (a, b) =>
      a.group - b.group ||
      b.priority - a.priority ||
      (Number.isSafeInteger(a.priority) ? 0 : byExactPriority(a.container, b.container)) ||
      a.container.firstSeenAt - b.container.firstSeenAt ||
      byText(a.container.containerId, b.container.containerId),
  );
  return ranked.map(({ container }) => container);
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

function byExactPriority(a: PlanContainer, b: PlanContainer): number {
  return a.priority > b.priority ? -1 : a.priority < b.priority ? 1 : 0;
}
