import { rejectionOf } from "../container/container.rejection.ts";
import type { Settings } from "../model/settings.ts";
import type { ActorKind } from "../model/ids.ts";
import { byText } from "../planner/order.ts";
import { PlanIndex } from "../planner/plan-index.ts";
import type { Registry, SnapshotOf } from "./registry.ts";
import { planContainer, planWorker, processOf } from "./view.ts";

/** With fewer changes than this it is not worth asking whether to build anew. */
const CHANGES_MIN = 1000;

/**
 * What the planner reads, as a fold over the changes of workers and containers: a run of the planner costs by what has
 * changed. Not part of the state: it can be built anew from the registry at any time, with the same decisions.
 */
export class PlanFold {
  #index: PlanIndex | undefined;
  /** Those that the index was built for. */
  #settings: Settings | undefined;
  readonly #changed = { worker: new Set<string>(), container: new Set<string>() };
  readonly #creating = new Set<string>();
  readonly #rejected = new Set<string>();

  /** An actor has changed, come or gone. */
  note(kind: ActorKind, id: string): void {
    if (!this.#index) return;
    if (kind === "worker" || kind === "container") this.#changed[kind].add(id);
  }

  /** The index, brought up to date. */
  index(registry: Registry, settings: Settings): PlanIndex {
    const { worker, container } = this.#changed;
    const changesCount = worker.size + container.size;
    const actorsCount = registry.size("worker") + registry.size("container");
    const isWorthIt = changesCount < CHANGES_MIN || changesCount < actorsCount;
    let index = this.#settings === settings && isWorthIt ? this.#index : undefined;
    if (index) {
      for (const id of worker) this.#takeWorker(index, id, registry.get("worker", id));
      for (const id of container) this.#takeContainer(index, id, registry.get("container", id));
    } else index = this.#build(registry, settings);
    worker.clear();
    container.clear();
    return index;
  }

  /** Creates whose outcome is not known; valid after `index`. */
  get creatingCount(): number {
    return this.#creating.size;
  }

  /** Containers that can never run here, in order of id; valid after `index`. */
  rejected(): string[] {
    return [...this.#rejected].sort(byText);
  }

  #build(registry: Registry, settings: Settings): PlanIndex {
    this.#creating.clear();
    this.#rejected.clear();
    const { instanceTypes, maxRunningContainersPerInstance } = settings;
    const index = new PlanIndex(instanceTypes, maxRunningContainersPerInstance);
    for (const [id, snapshot] of registry.entries("worker")) {
      this.#takeWorker(index, id, snapshot);
    }
    for (const [id, snapshot] of registry.entries("container")) {
      this.#takeContainer(index, id, snapshot);
    }
    this.#index = index;
    this.#settings = settings;
    return index;
  }

  #takeWorker(index: PlanIndex, id: string, snapshot: SnapshotOf["worker"] | undefined): void {
    index.setWorker(id, snapshot && planWorker(snapshot));
    mark(this.#creating, id, snapshot?.context.createOpen === true);
  }

  #takeContainer(
    index: PlanIndex,
    id: string,
    snapshot: SnapshotOf["container"] | undefined,
  ): void {
    if (snapshot) {
      const { waitReason } = snapshot.context;
      index.setContainer(id, planContainer(snapshot), processOf(snapshot), waitReason);
    } else index.setContainer(id, undefined, undefined, "");
    mark(this.#rejected, id, snapshot !== undefined && rejectionOf(snapshot) !== "");
  }
}

function mark(ids: Set<string>, id: string, isMember: boolean): void {
  if (isMember) ids.add(id);
  else ids.delete(id);
}
