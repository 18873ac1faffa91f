import type { FactOf } from "../model/fact.ts";
import type { InstanceType } from "../model/instance-type.ts";
import type { Settings } from "../model/settings.ts";
import type { Process } from "../planner/queue-entry.ts";
import type { PlanContainer, PlanMoment, PlanView, PlanWorker } from "../planner/view.ts";
import { rejectionOf } from "../container/container.rejection.ts";
import type { ContainerSnapshot } from "../container/container.machine.ts";
import type { WorkerState } from "../model/worker-state.ts";
import { lifecycleMeta } from "../worker/worker.machine.ts";
import type { WorkerSnapshot } from "../worker/worker.machine.ts";
import { ONLY } from "../model/ids.ts";
import type { Registry } from "./registry.ts";
import { EVERYTHING, groupKey, providerKey } from "./route.ts";

/** What the planner may see, in order of id, made from the machines. */
export function planView(
  registry: Registry,
  settings: Settings,
  fact: FactOf<"planner.ran">,
): PlanView {
  const running = new Map<string, number | null>();
  const containers: PlanContainer[] = [];
  for (const [containerId, snapshot] of registry.entries("container")) {
    const process = processOf(snapshot);
    if (process !== undefined) running.set(containerId, process);
    const container = planContainer(snapshot);
    if (container) containers.push(container);
  }
  const workers: PlanWorker[] = [];
  let creatingCount = 0;
  for (const [, snapshot] of registry.entries("worker")) {
    if (snapshot.context.createOpen) creatingCount++;
    workers.push(planWorker(snapshot));
  }
  const moment = planMoment(registry, settings, fact, creatingCount);
  return { ...moment, containers, workers, running, instanceTypes: settings.instanceTypes };
}

/** What the planner may see beside the queue and the fleet. `creatingCount`: creates whose outcome is not known. */
export function planMoment(
  registry: Registry,
  settings: Settings,
  fact: FactOf<"planner.ran">,
  creatingCount: number,
): PlanMoment {
  return {
    nowMs: fact.atMs,
    queueUpdatedAt: queueUpdatedAt(fact),
    instancesMax: settings.maxInstances > 0 ? settings.maxInstances : null,
    atQuota: registry.get("quota", ONLY)?.value !== "open",
    atCapacity: (type) => isAtCapacity(registry, settings, type),
    allAnswered: allAnswered(registry, fact),
    createsAllowed: createsAllowed(registry, settings, creatingCount),
    declinesStart: new Set(),
    seen503AtMs: fact.seen503AtMs,
  };
}

/** A poll that began at a seq has seen what that seq recorded. */
export function queueUpdatedAt(fact: FactOf<"planner.ran">): number {
  return fact.polledSeq + 1;
}

/** Whoever came to be known since the newest poll began has not answered before it either. */
export function allAnswered(
  registry: Registry,
  { polledSeq, answeredSeq }: FactOf<"planner.ran">,
): (unseenAt: number) => boolean {
  // Journals of an earlier version do not tell, and were decided so.
  if (answeredSeq === undefined) return () => true;
  const { settled = false, foundSeq = 0 } = registry.get("supervisor", ONLY)?.context ?? {};
  // Such a one may be gone again already.
  const isComplete = settled && foundSeq <= polledSeq;
  return (unseenAt) => isComplete && answeredSeq >= unseenAt && polledSeq >= unseenAt;
}

export function processOf({ value, context }: ContainerSnapshot): Process {
  if (value.process === "absent") return undefined;
  return value.process === "exited" ? context.exitedSeq : null;
}

export function planContainer({ value, context }: ContainerSnapshot): PlanContainer | undefined {
  if (value.record === "unlisted" || rejectionOf({ value, context }) !== "") return undefined;
  return {
    containerId: context.containerId,
    state: value.record,
    priority: BigInt(context.priority),
    supervisor: context.supervisor,
    createdAtMs: context.createdAtMs,
    firstSeenAt: context.firstSeenSeq,
    resources: context.resources,
    instanceTypes: context.instanceTypes,
    busy: value.operation !== "none",
    ...sightOf({ context }),
  };
}

/** What is known of processes that are not. */
export function sightOf({
  context,
}: Pick<ContainerSnapshot, "context">): Pick<PlanContainer, "unseenAt" | "lostAt"> {
  return { unseenAt: context.unseenSeq, lostAt: context.lostSeq };
}

export function planWorker({ value, context }: WorkerSnapshot): PlanWorker {
  return {
    workerId: context.workerId,
    instanceId: context.instanceId,
    instanceType: context.instanceType,
    state: workerState(value.lifecycle),
    idleBehavior: value.idleBehavior,
    containerIds: Object.keys(context.processes).sort(),
  };
}

/** As on the wire: a worker that is being created shows as booting (specification §7.6). */
export function workerState(lifecycle: WorkerSnapshot["value"]["lifecycle"]): WorkerState {
  return lifecycleMeta(lifecycle).shownAs;
}

function isAtCapacity(registry: Registry, settings: Settings, type: InstanceType): boolean {
  const keys = [EVERYTHING, groupKey(settings.quotaGroups[type.name] ?? ""), providerKey(type)];
  return keys.some((key) => registry.get("capacity", key) !== undefined);
}

function createsAllowed(
  registry: Registry,
  settings: Settings,
  creatingCount: number,
): number | null {
  if (registry.get("throttle", ONLY)?.value === "held") return 0;
  const max = settings.maxConcurrentInstanceCreateOps;
  return max > 0 ? Math.max(0, max - creatingCount) : null;
}
