import type { InstanceType } from "../model/instance-type.ts";
import type { PlanWorker } from "./view.ts";

/** The workers, counted: kept up with every change. */
export class Roster {
  readonly #workers = new Map<string, PlanWorker>();
  readonly #instanceTypes: Readonly<Record<string, InstanceType>>;
  readonly #countByProviderType = new Map<string, number>();
  /** By container, the workers that name a process of it. */
  readonly #hosts = new Map<string, Set<string>>();
  #namedCount = 0;
  #unknownCount = 0;

  constructor(instanceTypes: Readonly<Record<string, InstanceType>>) {
    this.#instanceTypes = instanceTypes;
  }

  get size(): number {
    return this.#workers.size;
  }

  /** Instances that the cloud has named; creates under way are not among them. */
  get namedCount(): number {
    return this.#namedCount;
  }

  get anyUnknown(): boolean {
    return this.#unknownCount > 0;
  }

  get(workerId: string): PlanWorker | undefined {
    return this.#workers.get(workerId);
  }

  /** Instances of the cloud's type, creates under way included. */
  count(providerType: string): number {
    return this.#countByProviderType.get(providerType) ?? 0;
  }

  hostsOf(containerId: string): Iterable<string> {
    return this.#hosts.get(containerId) ?? [];
  }

  /** Whether a worker names a process of the container, also one that counts as ended. */
  hosts(containerId: string): boolean {
    return this.#hosts.has(containerId);
  }

  set(workerId: string, worker: PlanWorker | undefined): void {
    const before = this.#workers.get(workerId);
    if (before) this.#count(before, -1);
    if (worker) {
      this.#workers.set(workerId, worker);
      this.#count(worker, 1);
    } else this.#workers.delete(workerId);
  }

  #count(worker: PlanWorker, change: 1 | -1): void {
    const { workerId, instanceId, instanceType, state, containerIds } = worker;
    if (instanceId !== "") this.#namedCount += change;
    if (state === "unknown") this.#unknownCount += change;
    const type = this.#instanceTypes[instanceType];
    if (type) {
      this.#countByProviderType.set(type.providerType, this.count(type.providerType) + change);
    }
    for (const id of containerIds) {
      const hosts = this.#hosts.get(id) ?? new Set();
      if (change > 0) this.#hosts.set(id, hosts.add(workerId));
      else if (hosts.delete(workerId) && hosts.size === 0) this.#hosts.delete(id);
    }
  }
}
