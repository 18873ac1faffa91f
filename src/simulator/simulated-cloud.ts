import { CloudError } from "../drivers/cloud/port.ts";
import type { CreateRequest, Instance, InstanceSet, InstanceTags } from "../drivers/cloud/port.ts";
import type { Clock } from "../actors/clock.ts";
import type { Failure } from "../machines/model/fact.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import type { SimulatedVm } from "./simulated-vm.ts";
import { wait } from "./wait.ts";
import type { WorldTale } from "./world-event.ts";

export interface SimulatedCloudOptions {
  readonly clock: Clock;
  readonly makeVm: (instance: { instanceId: string; type: InstanceType }) => SimulatedVm;
  readonly random: () => number;
  readonly latencyMs: () => number;
  /** The worker whose create has these tags, for who watches. */
  readonly creatorOf?: (tags: InstanceTags) => string;
  readonly tell?: (tale: WorldTale) => void;
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
  /** How long a create takes, on top of what every call does. */
  createTimeMs: () => number = () => 0;
  /** Says no to a create as its owner wishes. */
  refuseCreate: (type: InstanceType, instancesCount: number) => Failure | undefined = () =>
    undefined;
  /** Provider types that it has no capacity for. */
  readonly exhaustedTypes = new Set<string>();

  constructor(options: SimulatedCloudOptions) {
    this.#options = options;
  }

  get createdCount(): number {
    return this.#createdCount;
  }

  get size(): number {
    return this.#entries.size;
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
    await this.#pause(this.createTimeMs());
    const { random } = this.#options;
    const refusal = this.refuseCreate(type, this.#entries.size);
    if (refusal) throw new CloudError(refusal);
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
    const createdBy = this.#options.creatorOf?.(tags) ?? "";
    this.#options.tell?.({ type: "vm.created", instanceId, pricePerHour: type.price, createdBy });
    return instance;
  }

  async list(tags: InstanceTags): Promise<readonly Instance[]> {
    const wanted = Object.entries(tags);
    const listed: Instance[] = [];
    for (const { instance } of this.#entries.values())
      if (wanted.every(([key, value]) => instance.tags[key] === value)) listed.push(instance);
    await this.#latency();
    return listed;
  }

  async destroy(instanceId: string): Promise<void> {
    await this.#latency();
    if (this.#options.random() < this.destroyFailureProbability)
      throw new CloudError({ code: "other", message: "simulated failure of a destroy" });
    this.#end(instanceId, "dispatcher");
  }

  /** The VM is gone from one moment to the next, as when a spot instance is taken back. */
  kill(instanceId: string): void {
    this.#end(instanceId, "cloud");
  }

  #end(instanceId: string, by: "dispatcher" | "cloud"): void {
    const vm = this.#entries.get(instanceId)?.vm;
    if (!vm) return;
    this.#options.tell?.({ type: "vm.ended", instanceId, by, processIds: vm.runningIds });
    this.#entries.delete(instanceId);
    vm.destroy();
  }

  addressOf(instanceId: string): string | undefined {
    return this.#entries.get(instanceId)?.instance.address;
  }

  /** As when a VM is stopped and started. */
  moveTo(instanceId: string, address: string): void {
    const entry = this.#entries.get(instanceId);
    if (entry) entry.instance = { ...entry.instance, address };
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
    return this.#pause(this.#options.latencyMs());
  }

  #pause(delayMs: number): Promise<void> {
    return wait(this.#options.clock, delayMs);
  }
}
