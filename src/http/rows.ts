import type { AnySnapshot, SnapshotOf } from "../machines/core/registry.ts";
import { actorKey, type ActorKind } from "../machines/model/ids.ts";
import { containerRow } from "./container-view.ts";
import type { InstanceTypes } from "./instance-types.ts";
import { instantOrNull } from "./instant.ts";
import type { ContainerRow } from "./wire/container.ts";
import type { LimitRow } from "./wire/limit.ts";
import type { WorkerRow } from "./wire/worker.ts";
import { workerRow } from "./worker-view.ts";

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
