import type { Decision } from "../model/decision.ts";
import { byText } from "./order.ts";
import type { PlanView } from "./view.ts";

/**
 * What to do at start, once every worker has answered or `StaleLockTimeout` is over: gives up the locks of an earlier run
 * that no process answers for (specification §6.3). It goes by the view at that moment, so that a process that showed up in the
 * last probe keeps its lock.
 */
export function staleLocks(view: PlanView): Decision[] {
  return view.containers
    .filter(
      ({ containerId, state, busy }) =>
        state === "Locked" && !busy && !view.running.has(containerId),
    )
    .map(({ containerId }) => containerId)
    .sort(byText)
    .map((container) => ({
      do: "unlock",
      container,
      reason: "locked by an earlier run, and no worker has a process of it",
    }));
}

/** What a start comes to that looks at this first: it waits for workers that are not known yet, and else gives nothing up. */
export function staleLocksAtStart(view: PlanView): Decision[] {
  const anyUnknown = view.workers.some(({ state }) => state === "unknown");
  return locksGivenUp(staleLocks(view), anyUnknown);
}

/** Stale locks are given up by a start that has waited for them, and by no other (specification §6.3). */
export function locksGivenUp(stale: readonly Decision[], hasWaited: boolean): Decision[] {
  return hasWaited ? [...stale] : [];
}
