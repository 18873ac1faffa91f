import type { Limits } from "../model/decision.ts";
import type { Settings } from "../model/settings.ts";
import { reconcile } from "./reconcile.ts";
import { schedule, type Schedule } from "./schedule.ts";
import type { PlanView } from "./view.ts";

/**
 * One run of the planner: a scheduling pass, then a reconciliation (spec §6.1). The latter would decide the same on what
 * the pass leaves: a pass is about containers that are wanted and have no process, which reconciling never touches.
 */
export function plan(view: PlanView, settings: Settings, limits: Limits): Schedule {
  const scheduled = schedule(view, settings, limits);
  return { ...scheduled, decisions: [...scheduled.decisions, ...reconcile(view)] };
}
