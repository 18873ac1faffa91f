import type { Limits } from "../model/decision.ts";
import type { Settings } from "../model/settings.ts";
import type { Schedule } from "./pass.ts";
import { PlanIndex } from "./plan-index.ts";
import { reconcileIndex } from "./reconcile.ts";
import { scheduleIndex } from "./schedule.ts";
import type { PlanMoment, PlanView } from "./view.ts";

/** One run of the planner, from scratch. */
export function plan(view: PlanView, settings: Settings, limits: Limits): Schedule {
  const index = PlanIndex.of(view, settings.maxRunningContainersPerInstance);
  return planIndex(index, view, settings, limits);
}

/**
 * One run of the planner: a scheduling pass, then a reconciliation (specification §6.1). The latter would decide the same on what
 * the pass leaves: a pass is about containers that are wanted and have no process, which reconciling never touches.
 */
export function planIndex(
  index: PlanIndex,
  moment: PlanMoment,
  settings: Settings,
  limits: Limits,
): Schedule {
  const scheduled = scheduleIndex(index, moment, settings, limits);
  return { ...scheduled, decisions: [...scheduled.decisions, ...reconcileIndex(index, moment)] };
}
