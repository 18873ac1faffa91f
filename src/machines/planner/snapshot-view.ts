import { recordOfJson } from "../instance-types/container-json.ts";
import { chooseTypes, resourcesOf } from "../instance-types/choose.ts";
import type { Decision, Limits } from "../model/decision.ts";
import type { Settings } from "../model/settings.ts";
import { initialLimits } from "./concurrency.ts";
import { badInput } from "./read-input.ts";
import type { EntryJson, PoolJson, SnapshotJson } from "./snapshot-schema.ts";
import type { PlanContainer, PlanView, PlanWorker } from "./view.ts";

export interface SnapshotView {
  readonly view: PlanView;
  /** Containers that no type suits are cancelled before they enter the queue (specification §4.4). */
  readonly rejected: readonly Decision[];
}

/** Throws an `Error` that names the path where the parts of the snapshot contradict each other. */
export function viewOf(snapshot: SnapshotJson, settings: Settings): SnapshotView {
  const pool = snapshot.pool ?? {};
  const workers = workersOf(pool);
  const containers: PlanContainer[] = [];
  const rejected: Decision[] = [];
  const entries = snapshot.queue?.entries ?? [];
  const path = ["queue", "entries"];
  refuseRepeated(
    entries.map(({ container }) => container.uuid),
    path,
    ["container", "uuid"],
  );
  for (const [index, entry] of entries.entries()) {
    const added = addEntry(entry, [...path, index], settings, snapshot.now);
    if ("do" in added) rejected.push(added);
    else containers.push(added);
  }

  const running = new Map<string, number | null>(Object.entries(pool.running ?? {}));
  for (const worker of workers) for (const id of worker.containerIds) running.set(id, null);
  const capacity = new Map(Object.entries(pool.capacity ?? {}));
  const view: PlanView = {
    nowMs: snapshot.now,
    containers,
    workers,
    running,
    queueUpdatedAt: snapshot.queue?.updated ?? snapshot.now,
    instanceTypes: settings.instanceTypes,
    instancesMax: pool.quota ?? null,
    atQuota: pool.at_quota ?? false,
    atCapacity: (type, count) => count >= (capacity.get(type.providerType) ?? Infinity),
    createsAllowed: pool.creates_allowed ?? null,
    declinesStart: new Set(pool.declines_start ?? []),
    seen503AtMs: snapshot.limits?.seen_503_at ?? null,
  };
  return { view, rejected };
}

export function limitsOf(snapshot: SnapshotJson, settings: Settings): Limits {
  const { limits } = snapshot;
  return {
    maxContainers: limits?.max_containers ?? initialLimits(settings).maxContainers,
    last503AtMs: limits?.last_503_at ?? null,
    instancesWithinQuota: limits?.instances_within_quota ?? 0,
  };
}

function addEntry(
  { container, instance_types, first_seen_at }: EntryJson,
  path: PropertyKey[],
  settings: Settings,
  nowMs: number,
): PlanContainer | Decision {
  const record = recordOfJson(container, nowMs);
  const { state } = record;
  let instanceTypes = instance_types;
  const stranger =
    instanceTypes?.findIndex((name) => !Object.hasOwn(settings.instanceTypes, name)) ?? -1;
  if (stranger >= 0) {
    const expected = "the name of a configured instance type";
    throw badInput([...path, "instance_types", stranger], instanceTypes?.[stranger], expected);
  }
  if (!instanceTypes) {
    const choice = chooseTypes(record, settings);
    if (!choice.ok && (state === "Queued" || state === "Locked")) {
      return { do: "cancel", container: container.uuid, reason: choice.message };
    }
    instanceTypes = choice.ok ? choice.types.map(({ name }) => name) : [];
  }
  return {
    containerId: container.uuid,
    state,
    priority: BigInt(record.priority),
    supervisor: record.supervisor,
    createdAtMs: record.createdAtMs,
    firstSeenAt: first_seen_at ?? nowMs,
    resources: resourcesOf(record, settings),
    instanceTypes,
    busy: false,
  };
}

function workersOf(pool: PoolJson): PlanWorker[] {
  const instances = pool.instances ?? [];
  const path = ["pool", "instances"];
  refuseRepeated(
    instances.map(({ instance }) => instance),
    path,
    ["instance"],
  );
  return instances.map((instance, index) => ({
    workerId: instance.instance || `pending ${String(index).padStart(9, "0")}`,
    instanceId: instance.instance,
    instanceType: instance.arvados_instance_type,
    state: instance.worker_state,
    idleBehavior: instance.idle_behavior ?? "run",
    containerIds: [...(instance.running_container_uuids ?? [])].sort(),
  }));
}

function refuseRepeated(ids: readonly string[], path: PropertyKey[], rest: PropertyKey[]): void {
  const seen = new Set<string>();
  for (const [index, id] of ids.entries()) {
    if (id !== "" && seen.has(id)) {
      throw badInput([...path, index, ...rest], id, "each one only once");
    }
    seen.add(id);
  }
}
