import type { Decision, Limits } from "../model/decision.ts";
import type { Settings } from "../model/settings.ts";
import { reconcile } from "./reconcile.ts";
import { schedule, type Schedule } from "./schedule.ts";
import type { PlanContainer, PlanView, PlanWorker } from "./view.ts";

/** One run of the planner: a scheduling pass, then a reconciliation of what it left (spec §6.1). */
export function plan(view: PlanView, settings: Settings, limits: Limits): Schedule {
  const scheduled = schedule(view, settings, limits);
  const reconciled = reconcile(afterDecisions(view, scheduled.decisions));
  return { ...scheduled, decisions: [...scheduled.decisions, ...reconciled] };
}

/** The view once the decisions are carried out: locks and unlocks done, started processes running. */
export function afterDecisions(view: PlanView, decisions: readonly Decision[]): PlanView {
  if (decisions.length === 0) return view;
  const states = new Map<string, "Locked" | "Queued">();
  const started = new Map<string, string[]>();
  const running = new Map(view.running);
  for (const decision of decisions) {
    if (decision.do === "lock") states.set(decision.container, "Locked");
    if (decision.do === "unlock") states.set(decision.container, "Queued");
    if (decision.do === "start") {
      running.set(decision.container, null);
      const containers = started.get(decision.worker);
      if (containers) containers.push(decision.container);
      else started.set(decision.worker, [decision.container]);
    }
  }
  return {
    ...view,
    running,
    containers: view.containers.map((container): PlanContainer => {
      const state = states.get(container.containerId);
      return state ? { ...container, state } : container;
    }),
    workers: view.workers.map((worker): PlanWorker => {
      const containers = started.get(worker.workerId);
      if (!containers) return worker;
      const containerIds = [...worker.containerIds, ...containers].sort();
      return { ...worker, state: "running", containerIds };
    }),
  };
}
