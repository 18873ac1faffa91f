import { chooseTypes, resourcesOf } from "../instance-types/choose.ts";
import type { Choice } from "../container/container.types.ts";
import type { IdleBehavior } from "../model/command.ts";
import type { ContainerRecord } from "../model/fact.ts";
import type { Fact, FactInput, FactOf } from "../model/fact.ts";
import type { Settings } from "../model/settings.ts";
import { startsUntilMs, unknownDeadlineAtMs } from "../worker/worker.assigns.ts";
import type { KillWish } from "../worker/worker.types.ts";
import { isAsKnown, isQuiet } from "../worker/worker.guards.ts";
import type { Draft } from "./draft.ts";
import { ONLY } from "../model/ids.ts";
import type { Registry } from "./registry.ts";
import type { Told } from "./tell.ts";

/**
 * Whether a fact of those that are most by far tells nothing new, so that it need not be tried on the charts: they would
 * pass over it as well.
 */
export function tellsNothing(registry: Registry, fact: FactInput): boolean {
  if (fact.type === "probe.succeeded") {
    const worker = registry.get("worker", fact.workerId);
    return worker !== undefined && isQuiet(worker, fact);
  }
  if (fact.type !== "instance.seen") return false;
  const known = registry.workerOfInstance(fact.instanceId);
  const worker = known === undefined ? undefined : registry.get("worker", known);
  return worker !== undefined && isAsKnown(worker, fact);
}

/** Delivers a fact to the machines that it concerns. What concerns nobody changes nothing. */
export function route(
  draft: Draft,
  registry: Registry,
  fact: Exclude<Fact, { type: "planner.ran" }>,
): void {
  switch (fact.type) {
    case "daemon.started":
      return daemonStarted(draft, registry, fact);
    case "config.loaded":
      return;
    case "lease.acquired":
    case "queue.polled":
      draft.deliver("supervisor", ONLY, fact);
      return;
    case "stop.requested":
      return stop(draft, registry, fact);
    case "instance.seen":
      return instanceSeen(draft, registry, fact);
    case "instances.listed":
      draft.deliver("supervisor", ONLY, fact);
      draft.deliver("quota", ONLY, {
        type: "instances.counted",
        instancesCount: registry.size("worker"),
      });
      return;
    case "create.failed":
      return createFailed(draft, registry, fact);
    case "create.succeeded":
      return createSucceeded(draft, registry, fact);
    case "instance.missing":
    case "destroy.accepted":
    case "destroy.failed":
    case "tags.saved":
    case "tags.failed":
    case "ssh.connected":
    case "probe.succeeded":
    case "probe.failed":
    case "start.returned":
    case "kill.returned":
    case "behavior.requested":
    case "shutdown.requested":
      draft.deliver("worker", fact.workerId, fact);
      return;
    case "container.added":
      return containerAdded(draft, fact);
    case "container.rejected":
      draft.deliverToContainer(fact.containerId, fact);
      return;
    case "container.changed":
    case "container.missing":
    case "operation.succeeded":
    case "operation.failed":
      draft.deliver("container", fact.containerId, fact);
      return;
    case "kill.requested":
      killAsAsked(draft, fact);
      return;
    case "cancel.requested":
      draft.deliver("container", fact.containerId, fact);
      killAsAsked(draft, fact);
      return;
    case "clock.ticked":
      draft.deliver(fact.actorKind, fact.actorId, fact);
      return;
    default:
      fact satisfies never;
  }
}

/**
 * Begins the SIGTERM schedules on every worker that reports a process of a container that is to end. Answers the containers
 * of which one has begun.
 */
export function killProcesses(draft: Draft, wishes: readonly KillWish[]): ReadonlySet<string> {
  const byWorker = new Map<string, KillWish[]>();
  for (const wish of wishes) {
    const processes = draft.get("container", wish.containerId)?.context.processes ?? {};
    for (const workerId of Object.keys(processes).sort()) {
      const kills = byWorker.get(workerId);
      if (kills) kills.push(wish);
      else byWorker.set(workerId, [wish]);
    }
  }
  const begun = new Set<string>();
  for (const [workerId, kills] of byWorker) {
    const before = draft.get("worker", workerId)?.context.processes ?? {};
    if (!draft.deliver("worker", workerId, { type: "kill.decided", kills })) continue;
    for (const { containerId } of kills)
      if (before[containerId]?.kill === null) begun.add(containerId);
  }
  return begun;
}

function killAsAsked(draft: Draft, { containerId, reason }: KillWish): void {
  killProcesses(draft, [{ containerId, reason: `via management API: ${reason}` }]);
}

/** Trusts no observation of the last run. */
function daemonStarted(draft: Draft, registry: Registry, fact: FactOf<"daemon.started">): void {
  const before = registry.get("supervisor", ONLY)?.context.journalId ?? "";
  // A journal goes on under another id where records of it were lost.
  const historyLost = before !== "" && before !== fact.journalId;
  const started = { ...fact, historyLost };
  draft.deliver("supervisor", ONLY, started);
  for (const id of registry.ids("worker")) draft.deliver("worker", id, started);
  // The config may be another one.
  for (const [id, { context }] of registry.entries("container")) {
    const { record, resources, instanceTypes } = context;
    const choice = record
      ? choiceOf(record, draft.frame.settings)
      : { resources, instanceTypes, unfit: "" };
    draft.deliver("container", id, { ...started, choice });
  }
}

function stop(draft: Draft, registry: Registry, fact: FactOf<"stop.requested">): void {
  draft.deliver("supervisor", ONLY, fact);
  if (!fact.drain) return;
  const drain = { type: "behavior.requested", behavior: "drain", reason: fact.reason } as const;
  for (const workerId of registry.ids("worker"))
    draft.deliver("worker", workerId, { ...drain, workerId });
}

function instanceSeen(draft: Draft, registry: Registry, fact: FactOf<"instance.seen">): void {
  const known = registry.workerOfInstance(fact.instanceId);
  if (known !== undefined) {
    draft.deliver("worker", known, fact);
    return;
  }
  const { createdBy } = fact;
  const creating = createdBy === null ? undefined : draft.get("worker", createdBy);
  if (creating?.value.lifecycle === "creating") {
    draft.deliver("worker", creating.context.workerId, fact);
    return;
  }
  adopt(draft, fact);
}

/** An instance of our set that no worker stands for (specification §7.5). */
function adopt(draft: Draft, fact: FactOf<"instance.seen">): void {
  const { settings, seq, atMs } = draft.frame;
  const { instanceId, address, instanceType, providerType } = fact;
  const configured = Object.hasOwn(settings.instanceTypes, instanceType);
  const tagged: IdleBehavior = fact.idleBehavior === "" ? "run" : fact.idleBehavior;
  const idleBehavior = configured || tagged === "hold" ? tagged : "drain";
  const behaviorReason = configured
    ? `its tag says ${tagged}`
    : "its instance type is not configured";
  draft.deliver("supervisor", ONLY, { type: "instance.found" });
  const untilMs = startsOfOthersUntilMs(draft);
  if (untilMs !== null) draft.deliver("supervisor", ONLY, { type: "history.missed" });
  const found = {
    instanceId,
    address,
    unknownDeadlineAtMs: unknownDeadlineAtMs(atMs, untilMs, settings),
    startsUntilMs: untilMs,
    behaviorReason: idleBehavior === "run" ? "" : behaviorReason,
  };
  draft.adoptWorker(
    { workerId: instanceId, atMs, seq, instanceType, providerType, found },
    idleBehavior,
  );
}

/** Who ran something here before this run began may have sent a start that is on its way; null once it has turned up. */
function startsOfOthersUntilMs(draft: Draft): number | null {
  const startedAtMs = draft.get("supervisor", ONLY)?.context.startedAtMs ?? 0;
  const untilMs = startsUntilMs(startedAtMs, draft.frame.settings);
  return untilMs > draft.frame.atMs ? untilMs : null;
}

/** A list may have shown the instance before, and not told whose it is: one worker for one instance. */
function createSucceeded(draft: Draft, registry: Registry, fact: FactOf<"create.succeeded">): void {
  const { workerId, instanceId } = fact;
  const known = registry.workerOfInstance(instanceId);
  const creating = draft.get("worker", workerId)?.value.lifecycle === "creating";
  if (creating && known !== undefined)
    draft.deliver("worker", workerId, { type: "instance.taken" });
  else draft.deliver("worker", workerId, fact);
  draft.deliver("throttle", ONLY, fact);
}

function createFailed(draft: Draft, registry: Registry, fact: FactOf<"create.failed">): void {
  const { failure } = fact;
  const worker = registry.get("worker", fact.workerId);
  draft.deliver("worker", fact.workerId, fact);
  const told: Told<"quota" | "capacity" | "throttle"> = {
    type: "create.failed",
    message: failure.message,
    otherInstancesCount: Math.max(0, registry.size("worker") - 1),
    retryAtMs: failure.retryAtMs ?? null,
  };
  if (failure.code === "quota") draft.deliver("quota", ONLY, told);
  else if (failure.code === "capacity")
    draft.deliverToCapacity(
      capacityKey(draft, worker?.context.instanceType ?? "", failure.scope),
      told,
    );
  else draft.deliver("throttle", ONLY, told);
}

/** The key of specification §7.6; `*` stands for everything. */
function capacityKey(
  draft: Draft,
  typeName: string,
  scope: "type" | "quotaGroup" | "all" | undefined,
): string {
  const { settings } = draft.frame;
  const type = settings.instanceTypes[typeName];
  if (!type || scope === undefined || scope === "all") return EVERYTHING;
  return scope === "type" ? providerKey(type) : groupKey(settings.quotaGroups[typeName] ?? "");
}

export const EVERYTHING = "*";

export function providerKey(type: { providerType: string; preemptible: boolean }): string {
  return type.providerType + (type.preemptible ? "-preemptible" : "");
}

export function groupKey(group: string): string {
  return group === "" ? EVERYTHING : group;
}

function containerAdded(draft: Draft, fact: FactOf<"container.added">): void {
  const choice = choiceOf(fact.record, draft.frame.settings);
  draft.deliverToContainer(fact.containerId, { ...fact, choice });
}

/** What the config comes to, of a container of the queue. */
function choiceOf(record: ContainerRecord, settings: Settings): Choice {
  const chosen = chooseTypes(record, settings);
  return {
    resources: resourcesOf(record, settings),
    instanceTypes: chosen.ok ? chosen.types.map(({ name }) => name) : [],
    unfit: chosen.ok ? "" : chosen.message,
  };
}
