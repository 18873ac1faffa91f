import { CloudError } from "../drivers/cloud/port.ts";
import type { CreateRequest, Instance, InstanceSet, InstanceTags } from "../drivers/cloud/port.ts";
import type { Clock } from "../actors/clock.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import type { SimulatedVm } from "./simulated-vm.ts";

export interface SimulatedCloudOptions {
  readonly clock: Clock;
  readonly makeVm: (instance: { instanceId: string; type: InstanceType }) => SimulatedVm;
  readonly random: () => number;
  readonly latencyMs: () => number;
}

interface Entry {
  instance: Instance;
  readonly vm: SimulatedVm;
}

/** A cloud account in memory, on the simulation's clock, with the failures that it is told to have. */
export class SimulatedCloud implements InstanceSet {
  readonly #options: SimulatedCloudOptions;
  readonly #entries = new Map<string, Entry>();
  #createdCount = 0;
  /** One more is a quota error. */
  instancesMax = Infinity;
  createFailureProbability = 0;
  destroyFailureProbability = 0;
  /** Provider types that it has no capacity for. */
  readonly exhaustedTypes = new Set<string>();

  constructor(options: SimulatedCloudOptions) {
    this.#options = options;
  }

  get createdCount(): number {
    return this.#createdCount;
  }

  get instanceIds(): string[] {
    return [...this.#entries.keys()];
  }

  vm(instanceId: string): SimulatedVm | undefined {
    return this.#entries.get(instanceId)?.vm;
  }

  vms(): SimulatedVm[] {
    return [...this.#entries.values()].map(({ vm }) => vm);
  }

  async create({ type, tags }: CreateRequest): Promise<Instance> {
    await this.#latency();
    const { random } = this.#options;
    if (this.exhaustedTypes.has(type.providerType))
      throw new CloudError({
        code: "capacity",
        scope: "type",
        message: `no capacity for ${type.providerType}`,
      });
    if (this.#entries.size >= this.instancesMax)
      throw new CloudError({
        code: "quota",
        message: `quota of ${this.instancesMax} instances is used up`,
      });
    if (random() < this.createFailureProbability)
      throw new CloudError({ code: "other", message: "simulated failure of a create" });
    const instanceId = `i-${String(++this.#createdCount).padStart(6, "0")}`;
    const vm = this.#options.makeVm({ instanceId, type });
    const address = `10.0.0.${this.#createdCount}`;
    const instance = {
      instanceId,
      providerType: type.providerType,
      address,
      remoteUser: "root",
      tags,
    };
    this.#entries.set(instanceId, { instance, vm });
    return instance;
  }

  async list(tags: InstanceTags): Promise<readonly Instance[]> {
    const listed = [...this.#entries.values()]
      .map(({ instance }) => instance)
      .filter((instance) =>
        Object.entries(tags).every(([key, value]) => instance.tags[key] === value),
      );
    await this.#latency();
    return listed;
  }

  async destroy(instanceId: string): Promise<void> {
    await this.#latency();
    if (this.#options.random() < this.destroyFailureProbability)
      throw new CloudError({ code: "other", message: "simulated failure of a destroy" });
    this.kill(instanceId);
  }

  /** The VM is gone from one moment to the next, as when a spot instance is taken back. */
  kill(instanceId: string): void {
    this.#entries.get(instanceId)?.vm.destroy();
    this.#entries.delete(instanceId);
  }

  async setTags(instanceId: string, tags: InstanceTags): Promise<void> {
    await this.#latency();
    const entry = this.#entries.get(instanceId);
    if (!entry) throw new CloudError({ code: "notFound", message: `no instance ${instanceId}` });
    entry.instance = { ...entry.instance, tags: { ...entry.instance.tags, ...tags } };
  }

  quotaGroup(): string {
    return "";
  }

  async verifyHostKey(): Promise<"verified"> {
    return "verified";
  }

  async close(): Promise<void> {}

  #latency(): Promise<void> {
    return new Promise((resolve) =>
      this.#options.clock.setTimer(this.#options.latencyMs(), resolve),
    );
  }
}
