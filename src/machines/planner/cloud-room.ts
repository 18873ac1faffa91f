import type { InstanceType } from "../model/instance-type.ts";
import type { PlanContainer, PlanView } from "./view.ts";

/** What the cloud and the throttles still allow, creates of this pass included. */
export class CloudRoom {
  /** Instances that the cloud has named; creates under way are not among them. */
  readonly namedCount: number;
  readonly #view: PlanView;
  readonly #countByProviderType = new Map<string, number>();
  /** Whether the cloud is out of capacity for a type, as long as nothing more is created. */
  readonly #atCapacity = new Map<InstanceType, boolean>();
  #createsCount = 0;
  /** One more create was wanted than the throttles accept. */
  declined = false;

  constructor(view: PlanView) {
    this.#view = view;
    let namedCount = 0;
    for (const worker of view.workers) {
      if (worker.instanceId !== "") namedCount++;
      const type = view.instanceTypes[worker.instanceType];
      if (type) this.#count(type);
    }
    this.namedCount = namedCount;
  }

  atQuota(): boolean {
    const { atQuota, instancesMax, workers } = this.#view;
    return (
      atQuota || (instancesMax !== null && workers.length + this.#createsCount >= instancesMax)
    );
  }

  /** The cheapest eligible type that the cloud has capacity for. */
  available(container: PlanContainer): InstanceType | undefined {
    for (const name of container.instanceTypes) {
      const type = this.#view.instanceTypes[name];
      if (type && !this.#isAtCapacity(type)) return type;
    }
    return undefined;
  }

  /** Takes one of the creates that the throttles still accept; false when there is none. */
  create(type: InstanceType): boolean {
    const { createsAllowed } = this.#view;
    if (createsAllowed !== null && this.#createsCount >= createsAllowed) {
      this.declined = true;
      return false;
    }
    this.#createsCount++;
    this.#count(type);
    this.#atCapacity.clear();
    return true;
  }

  #count(type: InstanceType): void {
    const count = this.#countByProviderType.get(type.providerType) ?? 0;
    this.#countByProviderType.set(type.providerType, count + 1);
  }

  #isAtCapacity(type: InstanceType): boolean {
    let answer = this.#atCapacity.get(type);
    if (answer === undefined) {
      const count = this.#countByProviderType.get(type.providerType) ?? 0;
      answer = this.#view.atCapacity(type, count);
      this.#atCapacity.set(type, answer);
    }
    return answer;
  }
}
