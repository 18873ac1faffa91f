import type { Change } from "../machines/core/draft.ts";
import type { AnySnapshot, SnapshotOf } from "../machines/core/registry.ts";
import { actorKey } from "../machines/model/ids.ts";
import type { ActorKind } from "../machines/model/ids.ts";
import type { Limits } from "../machines/model/decision.ts";
import type { PlanMetrics, QueueStatus } from "../machines/planner/view.ts";

/**
 * What is durable, for everybody who reads: HTTP, metrics, feeds. Snapshots are immutable; a reader may keep one.
 */
export class ReadModel {
  readonly #actors = new Map<string, AnySnapshot>();
  readonly #ids: Record<ActorKind, Set<string>> = {
    worker: new Set(),
    container: new Set(),
    supervisor: new Set(),
    quota: new Set(),
    capacity: new Set(),
    throttle: new Set(),
  };
  readonly #workerByInstance = new Map<string, string>();
  #queue: (() => readonly QueueStatus[]) | undefined;
  /** The newest durable record. */
  seq = 0;
  planMetrics: PlanMetrics | undefined;
  /** What the scheduler remembers (spec §6.5). */
  limits: Limits | undefined;

  /** In the order of the last run of the planner; undefined before the first (spec §11.3). */
  get queue(): readonly QueueStatus[] | undefined {
    return this.#queue?.();
  }

  /** What a run of the planner came to; positions in the queue are computed when it is read. */
  takePlan(queue: () => readonly QueueStatus[], metrics: PlanMetrics): void {
    this.#queue = queue;
    this.planMetrics = metrics;
  }

  get<K extends ActorKind>(kind: K, id: string): SnapshotOf[K] | undefined {
    return this.#actors.get(actorKey(kind, id)) as SnapshotOf[K] | undefined;
  }

  /** Not in any order. */
  *all<K extends ActorKind>(kind: K): Generator<SnapshotOf[K]> {
    for (const id of this.#ids[kind]) yield this.get(kind, id) as SnapshotOf[K];
  }

  /** With their ids; not in any order. */
  *entries<K extends ActorKind>(kind: K): Generator<[string, SnapshotOf[K]]> {
    for (const id of this.#ids[kind]) yield [id, this.get(kind, id) as SnapshotOf[K]];
  }

  count(kind: ActorKind): number {
    return this.#ids[kind].size;
  }

  /** The worker that stands for an instance of the cloud. */
  workerOf(instanceId: string): SnapshotOf["worker"] | undefined {
    const workerId = this.#workerByInstance.get(instanceId);
    return workerId === undefined ? undefined : this.get("worker", workerId);
  }

  /** Takes over what a record changed, once it is durable. */
  release(seq: number, changes: readonly Change[]): void {
    this.seq = seq;
    for (const change of changes)
      this.set(change.kind, change.id, change.removed ? undefined : change.after);
  }

  set(kind: ActorKind, id: string, snapshot: AnySnapshot | undefined): void {
    const key = actorKey(kind, id);
    if (kind === "worker") this.#index(id, snapshot as SnapshotOf["worker"] | undefined);
    if (snapshot) {
      this.#actors.set(key, snapshot);
      this.#ids[kind].add(id);
    } else {
      this.#actors.delete(key);
      this.#ids[kind].delete(id);
    }
  }

  #index(id: string, after: SnapshotOf["worker"] | undefined): void {
    const old = this.get("worker", id)?.context.instanceId ?? "";
    const now = after?.context.instanceId ?? "";
    if (old === now) return;
    if (old !== "") this.#workerByInstance.delete(old);
    if (now !== "") this.#workerByInstance.set(now, id);
  }
}
