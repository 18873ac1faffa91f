import { metaOf } from "../chart/state-meta.ts";
import type { DeclaringNode, StateMeta } from "../chart/state-meta.ts";
import type { ActorKind } from "../model/ids.ts";
import { lifecycleMeta } from "../worker/worker.machine.ts";
import { operationMeta } from "../container/container.machine.ts";
import { MACHINES } from "./registry.ts";
import type { SnapshotOf } from "./registry.ts";

type Deadlines = { readonly [K in ActorKind]: (snapshot: SnapshotOf[K]) => number | null };

/** Of a chart without regions. */
function ofWhole<C>(root: DeclaringNode<StateMeta<{ readonly context: C }>>) {
  const meta = metaOf(root);
  return (snapshot: { readonly value: string; readonly context: C }): number | null =>
    meta(snapshot.value).dueAtMs(snapshot);
}

const DEADLINES: Deadlines = {
  worker: (snapshot) => lifecycleMeta(snapshot.value.lifecycle).dueAtMs(snapshot),
  container: (snapshot) => operationMeta(snapshot.value.operation).dueAtMs(snapshot),
  supervisor: ofWhole(MACHINES.supervisor.root),
  quota: ofWhole(MACHINES.quota.root),
  capacity: ofWhole(MACHINES.capacity.root),
  throttle: ofWhole(MACHINES.throttle.root),
};

/** When an actor next wants to be told the time (ms), or null, as its chart declares. A tick before that changes nothing. */
export function dueAtMs<K extends ActorKind>(kind: K, snapshot: SnapshotOf[K]): number | null {
  return DEADLINES[kind](snapshot);
}
