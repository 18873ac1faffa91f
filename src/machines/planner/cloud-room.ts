import { accommodates, roomOf, subtract, type Room } from "../instance-types/packing.ts";
import type { InstanceType, Resources } from "../model/instance-type.ts";
import type { Roster } from "./roster.ts";
import type { PlanMoment } from "./view.ts";

/** An instance that is not asked for yet, with what is left of it. */
interface Intended {
  readonly room: Room;
  containersCount: number;
}

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
  /** By type, the newest of the instances that will be asked for. */
  readonly #intended = new Map<string, Intended>();
  #intendedCount = 0;
  readonly #containersMax: number;
  /** One more create was wanted than the throttles accept. */
  declined = false;

  /** `containersMax`: how many containers an instance may hold, 0 is no limit. */
  constructor(
    moment: PlanMoment,
    instanceTypes: InstanceTypes,
    { roster, containersMax }: { roster: Roster; containersMax: number },
  ) {
    this.#containersMax = containersMax;
    this.#moment = moment;
    this.#instanceTypes = instanceTypes;
    this.#roster = roster;
  }

  atQuota(): boolean {
    const { atQuota, instancesMax } = this.#moment;
    const instancesCount = this.#roster.size + this.#createsCount;
    return atQuota || (instancesMax !== null && instancesCount >= instancesMax);
  }

  /** Whether our own limit leaves no room, once all has been asked for that containers in front need. */
  get isSpokenFor(): boolean {
    const { instancesMax } = this.#moment;
    const instancesCount = this.#roster.size + this.#createsCount + this.#intendedCount;
    return instancesMax !== null && instancesCount >= instancesMax;
  }

  /**
   * Notes that an instance will be asked for, though not in this pass: its container has to be locked first, or the throttles
   * accept no more creates. For the reasons of those behind it; nothing is decided by it. False where our own limit leaves no
   * room for it.
   */
  intend(type: InstanceType, need: Resources): boolean {
    if (this.#moment.instancesMax === null) return true;
    if (this.isSpokenFor) return false;
    const newest = this.#intended.get(type.name);
    if (newest && this.#holds(newest, need)) {
      place(newest, need);
      return true;
    }
    this.#intendedCount++;
    const intended = { room: roomOf(type), containersCount: 0 };
    place(intended, need);
    this.#intended.set(type.name, intended);
    return true;
  }

  #holds({ room, containersCount }: Intended, need: Resources): boolean {
    const isBelowMax = this.#containersMax === 0 || containersCount < this.#containersMax;
    return isBelowMax && accommodates(room, need);
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

function place(intended: Intended, need: Resources): void {
  subtract(intended.room, need);
  intended.containersCount++;
}
