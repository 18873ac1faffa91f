import { store, restore, start } from "../step.ts";
import type { StoredSnapshot } from "../step.ts";
import { containerMachine } from "../container/container.machine.ts";
import type { ContainerSnapshot } from "../container/container.machine.ts";
import { capacityMachine } from "../limits/capacity.machine.ts";
import type { CapacitySnapshot } from "../limits/capacity.machine.ts";
import { quotaMachine } from "../limits/quota.machine.ts";
import type { QuotaSnapshot } from "../limits/quota.machine.ts";
import { throttleMachine } from "../limits/throttle.machine.ts";
import type { ThrottleSnapshot } from "../limits/throttle.machine.ts";
import { supervisorMachine } from "../supervisor/supervisor.machine.ts";
import type { SupervisorSnapshot } from "../supervisor/supervisor.machine.ts";
import { NO_REFUSALS } from "../worker/worker.refusals.ts";
import { workerMachine } from "../worker/worker.machine.ts";
import type { WorkerSnapshot } from "../worker/worker.machine.ts";
import { ACTOR_KINDS, ONLY } from "../model/ids.ts";
import type { ActorKind } from "../model/ids.ts";

export interface SnapshotOf {
  worker: WorkerSnapshot;
  container: ContainerSnapshot;
  supervisor: SupervisorSnapshot;
  quota: QuotaSnapshot;
  capacity: CapacitySnapshot;
  throttle: ThrottleSnapshot;
}
export type AnySnapshot = SnapshotOf[ActorKind];

export const MACHINES = {
  worker: workerMachine,
  container: containerMachine,
  supervisor: supervisorMachine,
  quota: quotaMachine,
  capacity: capacityMachine,
  throttle: throttleMachine,
} as const;

/** All actors: snapshots by kind and id. Machines do not know each other; only the core sees this. */
export class Registry {
  readonly #actors: { [K in ActorKind]: Map<string, SnapshotOf[K]> } = {
    worker: new Map(),
    container: new Map(),
    supervisor: new Map([[ONLY, start(supervisorMachine, undefined).snapshot]]),
    quota: new Map([[ONLY, start(quotaMachine, undefined).snapshot]]),
    capacity: new Map(),
    throttle: new Map([[ONLY, start(throttleMachine, undefined).snapshot]]),
  };
  readonly #workerByInstance = new Map<string, string>();
  readonly #sorted = new Map<ActorKind, readonly string[]>();

  get<K extends ActorKind>(kind: K, id: string): SnapshotOf[K] | undefined {
    return this.#actors[kind].get(id);
  }

  set<K extends ActorKind>(kind: K, id: string, snapshot: SnapshotOf[K] | undefined): void {
    const actors = this.#actors[kind];
    const before = actors.get(id);
    if ((before === undefined) !== (snapshot === undefined)) this.#sorted.delete(kind);
    if (snapshot) actors.set(id, snapshot);
    else actors.delete(id);
    if (kind === "worker") this.#index(id, before as WorkerSnapshot, snapshot as WorkerSnapshot);
  }

  #index(id: string, before?: WorkerSnapshot, after?: WorkerSnapshot): void {
    const old = before?.context.instanceId ?? "";
    const now = after?.context.instanceId ?? "";
    if (old === now) return;
    if (old !== "") this.#workerByInstance.delete(old);
    if (now !== "") this.#workerByInstance.set(now, id);
  }

  workerOfInstance(instanceId: string): string | undefined {
    return this.#workerByInstance.get(instanceId);
  }

  size(kind: ActorKind): number {
    return this.#actors[kind].size;
  }

  /** In order of id: the same in a fold from any checkpoint. */
  ids(kind: ActorKind): readonly string[] {
    let ids = this.#sorted.get(kind);
    if (!ids) {
      ids = [...this.#actors[kind].keys()].sort();
      this.#sorted.set(kind, ids);
    }
    return ids;
  }

  *entries<K extends ActorKind>(kind: K): Generator<[string, SnapshotOf[K]]> {
    for (const id of this.ids(kind)) yield [id, this.#actors[kind].get(id) as SnapshotOf[K]];
  }

  /** In no order that a fold from a checkpoint would repeat, and at a fraction of the cost: for looks that any order suits. */
  unordered<K extends ActorKind>(kind: K): ReadonlyMap<string, SnapshotOf[K]> {
    return this.#actors[kind];
  }

  /** Another one with the same actors: snapshots are immutable, so they are shared. */
  copy(): Registry {
    const copy = new Registry();
    for (const kind of ACTOR_KINDS)
      copy.#actors[kind] = new Map<string, AnySnapshot>(this.#actors[kind]) as never;
    for (const [instanceId, id] of this.#workerByInstance)
      copy.#workerByInstance.set(instanceId, id);
    return copy;
  }

  /** The state as data, in a fixed order. */
  store(): StoredActors {
    const stored: Partial<Record<ActorKind, [string, StoredSnapshot][]>> = {};
    for (const kind of ACTOR_KINDS)
      stored[kind] = [...this.entries(kind)].map(([id, snapshot]) => [id, store(snapshot)]);
    return stored as StoredActors;
  }

  static restore(stored: StoredActors): Registry {
    const registry = new Registry();
    for (const kind of ACTOR_KINDS)
      for (const [id, snapshot] of stored[kind])
        registry.set(kind, id, restore(MACHINES[kind], withAll(kind, snapshot)));
    return registry;
  }
}

/** With what a state that an earlier version stored does not have, at its end, as in a state that is made now. */
function withAll(kind: ActorKind, stored: StoredSnapshot): StoredSnapshot {
  if (kind !== "worker") return stored;
  const context = stored.context as object;
  const missing = Object.entries(NO_REFUSALS).filter(([name]) => !Object.hasOwn(context, name));
  return missing.length === 0
    ? stored
    : { ...stored, context: { ...context, ...Object.fromEntries(missing) } };
}

export type StoredActors = Record<ActorKind, [string, StoredSnapshot][]>;
