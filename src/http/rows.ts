import type { AnySnapshot, SnapshotOf } from "../machines/core/registry.ts";
import { rejectionOf } from "../machines/container/container.choice.ts";
import { formatPriority } from "../machines/model/amounts.ts";
import { actorKey, type ActorKind } from "../machines/model/ids.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import { instant, instantOrNull } from "./instant.ts";
import { typeNamed } from "./instance-view.ts";
import type { ContainerRow, LimitRow, WorkerRow } from "./wire/rows.ts";
import { refusalJson, stateSinceMs } from "./worker-list.ts";

export type InstanceTypes = Readonly<Record<string, InstanceType>>;
export type LimitKind = LimitRow["kind"];

/** An actor as the page shows it. */
export function rowOf(
  kind: ActorKind,
  id: string,
  snapshot: AnySnapshot,
  types: InstanceTypes,
): WorkerRow | ContainerRow | LimitRow {
  if (kind === "worker") return workerRow(snapshot as SnapshotOf["worker"], types);
  if (kind === "container") return containerRow(snapshot as SnapshotOf["container"]);
  return limitRow(kind, id, snapshot);
}

export function workerRow(worker: SnapshotOf["worker"], types: InstanceTypes): WorkerRow {
  const { value, context } = worker;
  return {
    worker_id: context.workerId,
    instance_id: context.instanceId,
    lifecycle: value.lifecycle,
    idle_behavior: value.idleBehavior,
    instance_type: context.instanceType,
    price: typeNamed(types, context.instanceType)?.price ?? 0,
    address: context.address,
    since: instantOrNull(stateSinceMs(worker)),
    asked_for_at: instant(context.bornAtMs),
    idle_until: instantOrNull(value.idleBehavior === "hold" ? null : context.idleDeadlineAtMs),
    container_uuids: Object.keys(context.processes).sort(),
    shutdown_reason: context.shutdownReason,
    last_error: context.lastError,
    destroy_refused: refusalJson(context),
  };
}

/** Priority as its digits: `wireJson` writes the integer. */
export function containerRow({ value, context }: SnapshotOf["container"]): ContainerRow {
  const waits = context.waitReason !== "";
  return {
    container_uuid: context.containerId,
    name: context.record?.name ?? "",
    record: value.record,
    operation: value.operation,
    process: value.process,
    priority: context.priority,
    given_priority: formatPriority(context.priority, context.createdAtMs),
    supervisor: context.supervisor,
    created_at: instant(context.createdAtMs),
    first_seen_at: instant(context.firstSeenAtMs),
    worker_ids: Object.keys(context.processes).sort(),
    instance_types: [...context.instanceTypes],
    wait_reason: context.waitReason,
    waiting_since: instantOrNull(waits ? context.waitSinceMs : null),
    rejection: rejectionOf({ value, context }),
    last_error: context.lastError,
    retry_at: instantOrNull(context.retryAtMs),
  };
}

export function limitRow(kind: LimitKind, id: string, { value, context }: AnySnapshot): LimitRow {
  const { untilMs, message, stopReason, staleLockDeadlineAtMs } = context as {
    untilMs?: number | null;
    message?: string;
    stopReason?: string;
    staleLockDeadlineAtMs?: number | null;
  };
  return {
    actor: actorKey(kind, id),
    kind,
    id,
    value: value as string,
    until: instantOrNull(untilMs ?? staleLockDeadlineAtMs ?? null),
    reason: message ?? stopReason ?? "",
  };
}
