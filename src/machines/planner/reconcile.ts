import type { Decision } from "../model/decision.ts";
import { byText } from "./order.ts";
import type { PlanIndex } from "./plan-index.ts";
import { settle } from "./settle.ts";
import type { ContainerDecision } from "./settle.ts";
import type { PlanView } from "./view.ts";

type Poll = Pick<PlanView, "queueUpdatedAt" | "allAnswered">;

/**
 * Brings queue and workers into line (specification §6.7): ends processes that nobody wants, gives back or cancels containers
 * whose process ended without saying so, forgets what is over. A container with an operation in flight has to wait.
 */
export function reconcile(view: PlanView): Decision[] {
  const { workers, running } = view;
  const anyUnknown = workers.some((worker) => worker.state === "unknown");
  const circumstances = { ...pollOf(view), anyUnknown };
  const strangers = new Set(running.keys());
  const decisions: ContainerDecision[] = [];
  for (const container of view.containers) {
    const process = running.get(container.containerId);
    strangers.delete(container.containerId);
    const decision = settle(container, process, circumstances);
    if (decision) decisions.push(decision);
  }
  return inOrder(decisions, strangers);
}

/** The same, at the cost of those that it may concern. */
export function reconcileIndex({ queue, fleet }: PlanIndex, moment: Poll): Decision[] {
  const circumstances = { ...pollOf(moment), anyUnknown: fleet.roster.anyUnknown };
  const decisions: ContainerDecision[] = [];
  for (const { item, process } of queue.unsettled) {
    const decision = item && settle(item.container, process, circumstances);
    if (decision) decisions.push(decision);
  }
  return inOrder(decisions, queue.strangers);
}

function pollOf({ queueUpdatedAt, allAnswered = () => true }: Poll): Required<Poll> {
  return { queueUpdatedAt, allAnswered };
}

function inOrder(decisions: ContainerDecision[], strangers: Iterable<string>): Decision[] {
  decisions.sort((a, b) => byText(a.container, b.container));
  const kills = [...strangers]
    .sort(byText)
    .map((container): Decision => ({ do: "kill", container, reason: "not in queue" }));
  return [...decisions, ...kills];
}
