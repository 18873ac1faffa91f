import type { SnapshotOf } from "../machines/core/registry.ts";
import { actorKey, type ActorKind } from "../machines/model/ids.ts";
import { containerRow } from "./container-view.ts";
import type { InstanceTypes } from "./instance-types.ts";
import { instantOrNull } from "./instant.ts";
import type { ContainerRow } from "./wire/container.ts";
import type { LimitRow } from "./wire/limit.ts";
import type { WorkerRow } from "./wire/worker.ts";
import { workerRow } from "./worker-view.ts";

export type LimitKind = LimitRow["kind"];
type Row = WorkerRow | ContainerRow | LimitRow;

const ROWS: {
  readonly [K in ActorKind]: (snapshot: SnapshotOf[K], id: string, types: InstanceTypes) => Row;
} = {
  worker: (snapshot, _id, types) => workerRow(snapshot, types),
  container: (snapshot) => containerRow(snapshot),
  supervisor: (snapshot, id) => limitRow("supervisor", id, snapshot),
  quota: (snapshot, id) => limitRow("quota", id, snapshot),
  capacity: (snapshot, id) => limitRow("capacity", id, snapshot),
  throttle: (snapshot, id) => limitRow("throttle", id, snapshot),
};

/** An actor as the page shows it. */
export function rowOf<K extends ActorKind>(
  kind: K,
  id: string,
  snapshot: SnapshotOf[K],
  types: InstanceTypes,
): Row {
  return ROWS[kind](snapshot, id, types);
}

export function limitRow(
  kind: LimitKind,
  id: string,
  { value, context }: SnapshotOf[LimitKind],
): LimitRow {
  const [untilMs, reason] =
    "message" in context
      ? [context.untilMs, context.message]
      : [context.staleLockDeadlineAtMs, context.stopReason];
  return { actor: actorKey(kind, id), kind, id, value, until: instantOrNull(untilMs), reason };
}
