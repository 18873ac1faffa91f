import { rejectionOf } from "../container/container.rejection.ts";
import type { Decision, Limits } from "../model/decision.ts";
import type { FactOf } from "../model/fact.ts";
import { ONLY } from "../model/ids.ts";
import type { Settings } from "../model/settings.ts";
import { planIndex } from "../planner/plan.ts";
import { reconcile } from "../planner/reconcile.ts";
import { isMissed } from "../planner/settle.ts";
import { locksGivenUp, staleLocks } from "../planner/stale-locks.ts";
import type { PlanMetrics, PlanView, QueueStatus } from "../planner/view.ts";
import { waitChanges } from "../planner/wait-changes.ts";
import type { Draft } from "./draft.ts";
import type { PlanFold } from "./plan-fold.ts";
import type { Registry } from "./registry.ts";
import { killProcesses } from "./route.ts";
import { allAnswered, planMoment, planView, queueUpdatedAt, sightOf } from "./view.ts";

type PlanFact = FactOf<"planner.ran">;

/**
 * What a run of the planner came to. `statuses` and `metrics` are for display: never journaled, absent when replayed.
 * `statuses` are made when they are read, and are those of this run whenever that is.
 */
export interface Planned {
  readonly decisions: readonly Decision[];
  readonly limits: Limits;
  readonly statuses: () => readonly QueueStatus[];
  readonly metrics: PlanMetrics | undefined;
}

/**
 * Runs the planner over what the machines know, as the supervisor's state allows (specification §6.1). Pure: whatever it wants of
 * any machine is a decision, so that a restart, which applies the recorded ones, comes to the same state.
 */
export function runPlanner(
  registry: Registry,
  settings: Settings,
  fact: PlanFact,
  limits: Limits,
  fold: PlanFold,
): Planned {
  const nothing: Planned = { decisions: [], limits, statuses: () => [], metrics: undefined };
  const supervisor = registry.get("supervisor", ONLY);
  const known = supervisor?.context.listed === true && supervisor.context.polled;
  if (!supervisor || !known) return nothing;
  switch (supervisor.value) {
    case "standby":
      return nothing;
    case "recovering": {
      const view = planView(registry, settings, fact);
      return { ...nothing, decisions: recover(view, supervisor.context) };
    }
    case "stopping": {
      const returned = windDown(planView(registry, settings, fact));
      const cancelled = rejections(registry, fold, settings, fact);
      return { ...nothing, decisions: [...returned, ...cancelled] };
    }
    case "dispatching":
      return dispatch(registry, settings, fact, limits, fold);
    default:
      return supervisor.value satisfies never;
  }
}

function dispatch(
  registry: Registry,
  settings: Settings,
  fact: PlanFact,
  limits: Limits,
  fold: PlanFold,
): Planned {
  const index = fold.index(registry, settings);
  const moment = planMoment(registry, settings, fact, fold.creatingCount);
  const planned = planIndex(index, moment, settings, limits);
  const decisions = [
    ...planned.decisions,
    ...(planned.declined ? [HOLD_CREATES] : []),
    ...rejections(registry, fold, settings, fact),
    ...waitChanges(index.queue, planned.waiting),
  ];
  const statuses = (): readonly QueueStatus[] => planned.waiting.statuses();
  return { decisions, limits: planned.limits, statuses, metrics: planned.metrics };
}

const HOLD_CREATES: Decision = {
  do: "holdCreates",
  reason: "as many creates as may be in flight at once",
};

/** Stale locks are judged once every worker has answered, or has had StaleLockTimeout to do so (specification §6.3). */
function recover(
  view: PlanView,
  { waited, staleLockDeadlineAtMs }: { waited: boolean; staleLockDeadlineAtMs: number | null },
): Decision[] {
  const stale = staleLocks(view);
  const anyUnknown = view.workers.some(({ state }) => state === "unknown");
  const timeIsUp = staleLockDeadlineAtMs === null;
  if (anyUnknown && stale.length > 0 && !timeIsUp)
    return [{ do: "delayRecovery", reason: "locked containers may run on workers not probed yet" }];
  const finish: Decision = { do: "finishRecovery", reason: whyFinished(anyUnknown, timeIsUp) };
  return [finish, ...locksGivenUp(stale, waited || timeIsUp)];
}

function whyFinished(anyUnknown: boolean, timeIsUp: boolean): string {
  if (!anyUnknown) return "every worker has answered";
  return timeIsUp ? "StaleLockTimeout is over" : "no lock could be stale";
}

/**
 * Containers that can never run here, or that an operator cancels, are cancelled with the reason, once no process of theirs
 * is left (specification §4.4).
 */
function rejections(
  registry: Registry,
  fold: PlanFold,
  settings: Settings,
  fact: PlanFact,
): Decision[] {
  const { anyUnknown } = fold.index(registry, settings).fleet.roster;
  const queueAt = queueUpdatedAt(fact);
  const circumstances = {
    queueUpdatedAt: queueAt,
    allAnswered: allAnswered(registry, fact),
    anyUnknown,
  };
  const decisions: Decision[] = [];
  for (const id of fold.rejected()) {
    const container = registry.get("container", id);
    if (!container || container.value.operation !== "none") continue;
    const { value, context } = container;
    const { record, process } = value;
    const ended = process === "exited" && (context.exitedSeq ?? 0) < queueAt;
    if (process !== "absent" && !ended) continue;
    if (record === "Queued" && BigInt(context.priority) < 1n) {
      // It cannot be locked, so it cannot be told why either; it is judged anew when it is wanted again.
      decisions.push({ do: "forget", container: id, reason: "on hold: priority=0" });
      continue;
    }
    const mayRun = record === "Locked" || record === "Running";
    if (record === "Queued" || (mayRun && isMissed(sightOf(container), circumstances)))
      decisions.push({ do: "cancel", container: id, reason: rejectionOf(container) });
  }
  return decisions;
}

/** While the dispatcher drains: nothing new is started, and what is locked but does not run is given back. */
function windDown(view: PlanView): Decision[] {
  // What is locked may run on a worker that nobody has asked yet.
  const anyUnknown = view.workers.some(({ state }) => state === "unknown");
  const given = anyUnknown ? [] : view.containers;
  const returned: Decision[] = given
    .filter(
      ({ containerId, state, busy }) =>
        state === "Locked" && !busy && !view.running.has(containerId),
    )
    .map(({ containerId }) => ({
      do: "requeue",
      container: containerId,
      reason: "the dispatcher is draining",
    }));
  const taken = new Set(returned.map((decision) => "container" in decision && decision.container));
  const others = reconcile(view).filter((d) => !("container" in d && taken.has(d.container)));
  return [...returned, ...others];
}

/** Hands decisions to the machines; returns those that a machine accepted. */
export function deliverDecisions(draft: Draft, decisions: readonly Decision[]): Decision[] {
  const accepted: Decision[] = [];
  let kills: Kill[] = [];
  for (const decision of decisions) {
    if (decision.do === "kill") {
      kills.push(decision);
      continue;
    }
    accepted.push(...deliverKills(draft, kills));
    kills = [];
    if (deliverDecision(draft, decision)) accepted.push(decision);
  }
  return [...accepted, ...deliverKills(draft, kills)];
}

type Kill = Extract<Decision, { do: "kill" }>;

/** Those in a row together: a worker hears once of all that are to end on it. */
function deliverKills(draft: Draft, kills: readonly Kill[]): Kill[] {
  if (kills.length === 0) return [];
  const wishes = kills.map(({ container, reason }) => ({ containerId: container, reason }));
  const begun = killProcesses(draft, wishes);
  return kills.filter(({ container, reason }) => {
    const killed = draft.deliver("container", container, { type: "kill.decided", reason });
    return killed || begun.has(container);
  });
}

function deliverDecision(draft: Draft, decision: Exclude<Decision, Kill>): boolean {
  const { settings } = draft.frame;
  switch (decision.do) {
    case "create": {
      const type = settings.instanceTypes[decision.instanceType];
      if (!type) return false;
      draft.createWorker(decision.instanceType, type.providerType);
      return true;
    }
    case "start":
      return draft.deliver("worker", decision.worker, {
        type: "start.decided",
        containerId: decision.container,
      });
    case "shutdown":
      return draft.deliver("worker", decision.worker, {
        type: "shutdown.decided",
        reason: decision.reason,
      });
    case "holdCreates":
      return draft.deliver("throttle", ONLY, { type: "create.declined" });
    case "delayRecovery":
      return draft.deliver("supervisor", ONLY, { type: "recovery.delayed" });
    case "finishRecovery":
      return draft.deliver("supervisor", ONLY, { type: "recovery.finished" });
    case "lock":
    case "unlock":
    case "requeue":
    case "cancel":
    case "forget":
      return draft.deliver("container", decision.container, {
        type: `${decision.do}.decided`,
        reason: decision.reason,
      });
    case "wait":
      return draft.deliver("container", decision.container, {
        type: "wait.decided",
        reason: decision.reason,
      });
    default:
      return decision satisfies never;
  }
}
