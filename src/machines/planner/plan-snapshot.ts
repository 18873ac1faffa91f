import type { Decision } from "../model/decision.ts";
import type { Settings } from "../model/settings.ts";
import { supervisorsMax } from "./concurrency.ts";
import { longestWaitMs } from "./longest-wait.ts";
import { inQueueOrder } from "./order.ts";
import type { Schedule } from "./pass.ts";
import { plan } from "./plan.ts";
import { readInput } from "./read-input.ts";
import { reconcile } from "./reconcile.ts";
import { schedule } from "./schedule.ts";
import { snapshotSchema, type SnapshotJson } from "./snapshot-schema.ts";
import { limitsOf, viewOf } from "./snapshot-view.ts";
import { staleLocksAtStart } from "./stale-locks.ts";
import type { PlanView, QueueStatus } from "./view.ts";

/**
 * What `dispatch-cloud plan` prints for one snapshot, by the code that the daemon runs. `configSettings` is given the
 * snapshot's `config`, undefined where it has none. Throws an `Error` whose message names the path in the input, what was
 * found and what was expected.
 */
export function planSnapshot(
  input: unknown,
  configSettings: (config: unknown) => Settings,
): Record<string, unknown> {
  const snapshot = readInput(snapshotSchema, input);
  const settings = configSettings(snapshot.config ?? undefined);
  const { view, rejected } = viewOf(snapshot, settings);
  const result = runPass(snapshot, view, settings);
  const containers = new Map(view.containers.map((each) => [each.containerId, each]));
  const started = result.decisions.filter((decision) => decision.do === "start");
  const waitMs = longestWaitMs(view, new Set(started.map(({ container }) => container)));
  return {
    decisions: [...rejected, ...result.decisions].map((decision) => decisionJson(decision, view)),
    queue: result.statuses.map(({ containerId, text }) => ({
      container: containerId,
      state: containers.get(containerId)?.state,
      priority: integerJson(containers.get(containerId)?.priority ?? 0n),
      scheduling_status: text,
    })),
    limits: {
      max_containers: result.limits.maxContainers,
      instances_within_quota: result.limits.instancesWithinQuota,
      last_503_at: timeJson(result.limits.last503AtMs),
      max_supervisors: result.metrics.maxSupervisors,
    },
    metrics: {
      containers_allocated_not_started: result.metrics.containersAllocatedNotStarted,
      containers_not_allocated_over_quota: result.metrics.containersNotAllocatedOverQuota,
      containers_longest_wait_time_seconds: waitMs / 1000,
    },
  };
}

/** JSON with the integers beyond 2^53 that `planSnapshot` gives as bigint. */
export function printPlan(output: Record<string, unknown>): string {
  const mark = "\u{f8ff}integer ";
  const text = JSON.stringify(
    output,
    (_key, value: unknown) => (typeof value === "bigint" ? `${mark}${value}` : value),
    2,
  );
  return text.replace(new RegExp(`"${mark}(-?\\d+)"`, "gu"), "$1");
}

interface Passed extends Pick<Schedule, "decisions" | "limits" | "metrics"> {
  readonly statuses: readonly QueueStatus[];
}

function runPass(snapshot: SnapshotJson, view: PlanView, settings: Settings): Passed {
  const limits = limitsOf(snapshot, settings);
  if (!snapshot.pass || snapshot.pass === "schedule") {
    const run = snapshot.pass ? schedule : plan;
    const { waiting, ...planned } = run(view, settings, limits);
    return { ...planned, statuses: waiting.statuses() };
  }
  return {
    decisions: snapshot.pass === "reconcile" ? reconcile(view) : staleLocksAtStart(view),
    limits,
    statuses: inQueueOrder(view).map(({ containerId }) => ({ containerId, reason: "", text: "" })),
    metrics: {
      containersAllocatedNotStarted: 0,
      containersNotAllocatedOverQuota: 0,
      maxSupervisors: supervisorsMax(limits.maxContainers, settings.supervisorFraction),
    },
  };
}

function decisionJson(decision: Decision, view: PlanView): Record<string, unknown> {
  const json: Record<string, unknown> = { do: decision.do };
  if ("instanceType" in decision) json["instance_type"] = decision.instanceType;
  if ("container" in decision) json["container"] = decision.container;
  if ("worker" in decision) {
    const worker = view.workers.find(({ workerId }) => workerId === decision.worker);
    json["instance"] = worker?.instanceId;
  }
  return { ...json, reason: decision.reason };
}

function integerJson(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function timeJson(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
