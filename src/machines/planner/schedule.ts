import type { Limits } from "../model/decision.ts";
import type { Settings } from "../model/settings.ts";
import { Pass, type Schedule } from "./pass.ts";
import { PlanIndex } from "./plan-index.ts";
import type { PlanMoment, PlanView } from "./view.ts";

/**
 * One pass over the queue (specification §6.5): what to lock, create, start, unlock and shut down. It differs from the original on
 * purpose where that has defects (specification §16): the quota limits instances, not containers that fit on those there are;
 * only instances that can be given up are; and a container with priority 0 is told so wherever it stands in the queue.
 */
export function schedule(view: PlanView, settings: Settings, limits: Limits): Schedule {
  const index = PlanIndex.of(view, settings.maxRunningContainersPerInstance);
  return scheduleIndex(index, view, settings, limits);
}

/** The same over an index that is kept. The index is as before when it returns. */
export function scheduleIndex(
  index: PlanIndex,
  moment: PlanMoment,
  settings: Settings,
  limits: Limits,
): Schedule {
  index.fleet.begin();
  try {
    return new Pass(index, moment, settings, limits).run();
  } finally {
    index.fleet.end();
  }
}
