import type { Decision } from "../model/decision.ts";
import { byText } from "./order.ts";
import type { PlanContainer, PlanView } from "./view.ts";

/**
 * Brings queue and workers into line (spec §6.7): ends processes that nobody wants, gives back or cancels containers
 * whose process ended without saying so, forgets what is over. A container with an operation in flight has to wait.
 */
export function reconcile(view: PlanView): Decision[] {
  const anyUnknown = view.workers.some((worker) => worker.state === "unknown");
  const decisions: (Decision & { container: string })[] = [];
  const strangers = new Set(view.running.keys());
  for (const container of view.containers) {
    strangers.delete(container.containerId);
    const decision = container.busy ? undefined : settle(container, view, anyUnknown);
    if (decision) decisions.push(decision);
  }
  decisions.sort((a, b) => byText(a.container, b.container));
  for (const container of [...strangers].sort(byText)) {
    decisions.push({ do: "kill", container, reason: "not in queue" });
  }
  return decisions;
}

function settle(
  { containerId: container, state, priority }: PlanContainer,
  view: PlanView,
  anyUnknown: boolean,
): (Decision & { container: string }) | undefined {
  const process = view.running.get(container);
  const hasProcess = process !== undefined;
  const exitedAt = process ?? null;
  // What the record says is newer than the exit: the process had its chance to tell how it ended.
  const endedBefore = exitedAt !== null && exitedAt < view.queueUpdatedAt;
  const unwanted = priority < 1n;
  switch (state) {
    case "Running":
      if (!hasProcess) {
        // It may be on a worker that nobody has asked yet.
        if (anyUnknown) return undefined;
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
