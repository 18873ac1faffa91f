import type { InstanceType } from "../model/instance-type.ts";
import type { Roster } from "./roster.ts";
import type { PlanMoment } from "./view.ts";

type InstanceTypes = Readonly<Record<string, InstanceType>>;

/** What the cloud and the throttles still allow, creates of this pass included. */
export class CloudRoom {
  readonly #moment: PlanMoment;
  readonly #instanceTypes: InstanceTypes;
  readonly #roster: Roster;
  readonly #createdByProviderType = new Map<string, number>();
  /** Whether the cloud is out of capacity for a type, as long as nothing more is created. */
  readonly #atCapacity = new Map<InstanceType, boolean>();
  #createsCount = 0;
  /** One more create was wanted than the throttles accept. */
  declined = false;

  constructor(moment: PlanMoment, instanceTypes: InstanceTypes, roster: Roster) {
    this.#moment = moment;
    this.#instanceTypes = instanceTypes;
    this.#roster = roster;
  }

  atQuota(): boolean {
    const { atQuota, instancesMax } = this.#moment;
    const instancesCount = this.#roster.size + this.#createsCount;
    return atQuota || (instancesMax !== null && instancesCount >= instancesMax);
  }

  /** The cheapest eligible type that the cloud has capacity for. */
  available(instanceTypes: readonly string[]): InstanceType | undefined {
    for (const name of instanceTypes) {
      const type = this.#instanceTypes[name];
      if (type && !this.#isAtCapacity(type)) return type;
    }
    return undefined;
  }

  /** Takes one of the creates that the throttles still accept; false when there is none. */
  create(type: InstanceType): boolean {
    const { createsAllowed } = this.#moment;
    if (createsAllowed !== null && this.#createsCount >= createsAllowed) {
      this.declined = true;
      return false;
    }
    this.#createsCount++;
    const { providerType } = type;
    const createdCount = this.#createdByProviderType.get(providerType) ?? 0;
    this.#createdByProviderType.set(providerType, createdCount + 1);
    this.#atCapacity.clear();
    return true;
  }

  #isAtCapacity(type: InstanceType): boolean {
    let answer = this.#atCapacity.get(type);
    if (answer === undefined) {
      const { providerType } = type;
      const createdCount = this.#createdByProviderType.get(providerType) ?? 0;
      answer = this.#moment.atCapacity(type, this.#roster.count(providerType) + createdCount);
      this.#atCapacity.set(type, answer);
    }
    return answer;
  }
}
