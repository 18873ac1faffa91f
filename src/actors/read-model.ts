import type { Change } from "../machines/core/draft.ts";
import type { AnySnapshot, SnapshotOf } from "../machines/core/registry.ts";
import type { ActorKind } from "../machines/model/ids.ts";
import type { Limits } from "../machines/model/decision.ts";
import type { PlanMetrics, QueueStatus } from "../machines/planner/view.ts";

/**
 * What is durable, for everybody who reads: HTTP, metrics, feeds. Snapshots are immutable; a reader may keep one.
 */
export class ReadModel {
  readonly #actors: { readonly [K in ActorKind]: Map<string, SnapshotOf[K]> } = {
    worker: new Map(),
    container: new Map(),
    supervisor: new Map(),
    quota: new Map(),
    capacity: new Map(),
    throttle: new Map(),
  };
  readonly #workerByInstance = new Map<string, string>();
  #queue: (() => readonly QueueStatus[]) | undefined;
  /** The newest durable record. */
  seq = 0;
  planMetrics: PlanMetrics | undefined;
  /** What the scheduler remembers (specification §6.5). */
  limits: Limits | undefined;

  /** In the order of the last run of the planner; undefined before the first (specification §11.3). */
  get queue(): readonly QueueStatus[] | undefined {
    return this.#queue?.();
  }

  /** What a run of the planner came to; positions in the queue are computed when it is read. */
  takePlan(queue: () => readonly QueueStatus[], metrics: PlanMetrics): void {
    this.#queue = queue;
    this.planMetrics = metrics;
  }

  get<K extends ActorKind>(kind: K, id: string): SnapshotOf[K] | undefined {
    return this.#actors[kind].get(id);
  }

  /** Not in any order. */
  all<K extends ActorKind>(kind: K): IterableIterator<SnapshotOf[K]> {
    return this.#actors[kind].values();
  }

  /** With their ids; not in any order. */
  entries<K extends ActorKind>(kind: K): IterableIterator<[string, SnapshotOf[K]]> {
    return this.#actors[kind].entries();
  }

  count(kind: ActorKind): number {
    return this.#actors[kind].size;
  }

  /** No worker is left, and nothing that is ours waits or runs: who drains has come to the end. */
  isDrained(): boolean {
    if (this.count("worker") > 0) return false;
    for (const { value } of this.all("container"))
      if (value.record === "Locked" || value.record === "Running" || value.operation !== "none")
        return false;
    return true;
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
    if (kind === "worker") this.#index(id, snapshot as SnapshotOf["worker"] | undefined);
    if (snapshot) this.#actors[kind].set(id, snapshot as never);
    else this.#actors[kind].delete(id);
  }

  #index(id: string, after: SnapshotOf["worker"] | undefined): void {
    const old = this.get("worker", id)?.context.instanceId ?? "";
    const now = after?.context.instanceId ?? "";
    if (old === now) return;
    if (old !== "") this.#workerByInstance.delete(old);
    if (now !== "") this.#workerByInstance.set(now, id);
  }
}
