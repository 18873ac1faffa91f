import { accommodates, roomOf, subtract, type Room } from "../instance-types/packing.ts";
import type { InstanceType, Resources } from "../model/instance-type.ts";
import type { Kind, Search } from "./kind.ts";
import { byUse } from "./order.ts";
import { Roster } from "./roster.ts";
import { bestOf, isUsable, makeSlot, release, type Slot } from "./slot.ts";
import { firstNotBefore, SortedList } from "./sorted-list.ts";
import type { PlanWorker } from "./view.ts";

/** Usable instances of some types that have any room, in order of use. */
interface OpenSlots {
  readonly slots: readonly Slot[];
  /** What has no room in this has none in any of them. */
  readonly most: Readonly<Room>;
  readonly version: number;
}

/**
 * The instances with what is left of them. It is kept up with every change of a worker; a pass reserves places between
 * `begin` and `end`, which takes all of that back.
 */
export class Fleet {
  readonly roster: Roster;
  readonly #instanceTypes: Readonly<Record<string, InstanceType>>;
  readonly #containersMax: number;
  readonly #needOf: (containerId: string) => Resources | undefined;
  readonly #slots = new SortedList<Slot>(byUse);
  readonly #slotById = new Map<string, Slot>();
  readonly #outdated = new Set<string>();
  readonly #open = new Map<string, OpenSlots>();
  /** How often an instance of the type changed. */
  readonly #versionByType = new Map<string, number>();
  /** How often any changed. */
  #stamp = 0;
  #pass = 0;
  #startVersion = 0;
  /** Grows with every reservation. */
  #version = 0;
  #pendings: Slot[] = [];
  readonly #reserved = new Set<Slot>();
  #last: Search | undefined;

  /** `containersMax`: how many containers an instance may hold, 0 is no limit. */
  constructor(
    instanceTypes: Readonly<Record<string, InstanceType>>,
    containersMax: number,
    needOf: (containerId: string) => Resources | undefined,
  ) {
    this.roster = new Roster(instanceTypes);
    this.#instanceTypes = instanceTypes;
    this.#containersMax = containersMax;
    this.#needOf = needOf;
  }

  setWorker(workerId: string, worker: PlanWorker | undefined): void {
    this.roster.set(workerId, worker);
    this.#outdated.add(workerId);
  }

  /** What a container needs has changed, or whether the queue knows it. */
  needChanged(containerId: string): void {
    for (const workerId of this.roster.hostsOf(containerId)) this.#outdated.add(workerId);
  }

  /** Begins a pass. */
  begin(): void {
    for (const workerId of this.#outdated) this.#update(workerId);
    this.#outdated.clear();
    this.#pass++;
    this.#startVersion = ++this.#version;
  }

  end(): void {
    for (const slot of this.#reserved) release(slot);
    this.#reserved.clear();
    this.#pendings = [];
    this.#last = undefined;
  }

  /** Instances that hold nothing, cheapest first. */
  empty(): Slot[] {
    return this.#slots.items().filter((slot) => slot.containersCount === 0);
  }

  /**
   * The instance to pack a container of the kind on (spec §6.5 E.5): the cheapest one with room, but rather the busiest,
   * and rather one that is ready than one that is not.
   */
  find(kind: Kind): Slot | undefined {
    const { search } = kind;
    if (search.pass !== this.#pass) this.#beginSearch(kind);
    this.#last = search;
    const { best, version, pendingsSeen } = search;
    const pendingsCount = this.#pendings.length;
    if (search.slots.length === 0 && pendingsSeen === pendingsCount) return undefined;
    const unchanged = version === this.#version && pendingsSeen === pendingsCount;
    // A reservation on the best one makes it the busiest: it stays the best while the need fits.
    if (best && unchanged && this.#hasRoom(best) && accommodates(best.room, kind.need)) return best;
    this.#choose(kind);
    return search.best;
  }

  /** Places a container on what `find` returned for its kind. */
  reserve(slot: Slot, need: Resources): void {
    this.#reserved.add(slot);
    subtract(slot.room, need);
    slot.containersCount++;
    this.#version++;
    if (this.#last?.best === slot) this.#last.version = this.#version;
  }

  /** An instance that was asked for in this pass, with what the container needs that it is for. */
  add(type: InstanceType, need: Resources): void {
    const number = String(this.#pendings.length).padStart(9, "0");
    const worker: PlanWorker = {
      // Sorts behind the pending ones of earlier passes.
      workerId: `~${number}`,
      instanceId: "",
      instanceType: type.name,
      state: "booting",
      idleBehavior: "run",
      containerIds: [],
    };
    const slot = makeSlot(worker, type, this.#needOf);
    subtract(slot.room, need);
    slot.containersCount = 1;
    this.#pendings.push(slot);
    this.#version++;
  }

  #update(workerId: string): void {
    const before = this.#slotById.get(workerId);
    if (before) this.#slots.remove(before);
    const worker = this.roster.get(workerId);
    if (worker) {
      const slot = makeSlot(worker, this.#instanceTypes[worker.instanceType], this.#needOf);
      this.#slotById.set(workerId, slot);
      this.#slots.add(slot);
    } else this.#slotById.delete(workerId);
    this.#stamp++;
    for (const type of new Set([before?.worker.instanceType, worker?.instanceType])) {
      if (type !== undefined) this.#versionByType.set(type, this.#versionOf([type]) + 1);
    }
  }

  /** Grows with every change of an instance of these types. */
  #versionOf(instanceTypes: readonly string[]): number {
    let sum = 0;
    for (const name of instanceTypes) sum += this.#versionByType.get(name) ?? 0;
    return sum;
  }

  #beginSearch(kind: Kind): void {
    const { search } = kind;
    if (search.baseStamp !== this.#stamp) {
      const version = this.#versionOf(kind.instanceTypes);
      if (search.baseVersion !== version) this.#renewBase(kind, version);
      search.baseStamp = this.#stamp;
    }
    search.pass = this.#pass;
    search.slots = search.base;
    search.best = search.baseBest;
    search.pendingsSeen = 0;
    search.version = this.#startVersion;
  }

  /** Drops for good what the need no longer fits in, and takes in what was asked for since. */
  #choose({ search, need, instanceTypes }: Kind): void {
    // Those of the base are shared with later passes.
    const slots = search.slots === search.base ? search.base.slice() : (search.slots as Slot[]);
    let count = 0;
    for (const slot of slots) {
      if (this.#hasRoom(slot) && accommodates(slot.room, need)) slots[count++] = slot;
    }
    slots.length = count;
    for (; search.pendingsSeen < this.#pendings.length; search.pendingsSeen++) {
      const slot = this.#pendings[search.pendingsSeen]!;
      if (!instanceTypes.includes(slot.worker.instanceType)) continue;
      if (!this.#hasRoom(slot) || !accommodates(slot.room, need)) continue;
      slots.splice(firstNotBefore(slots, slot, byUse), 0, slot);
    }
    search.slots = slots;
    search.best = bestOf(slots, (slot) => slot.containersCount);
    search.version = this.#version;
  }

  #hasRoom(slot: Slot): boolean {
    const max = this.#containersMax;
    return slot.room.vcpus > 0 && (max === 0 || slot.containersCount < max);
  }

  /** Without the reservations of the pass that is going on. */
  #renewBase({ search, need, instanceTypes, types }: Kind, version: number): void {
    const { slots, most } = this.#openOf(types, instanceTypes, version);
    const base = accommodates(most, need)
      ? slots.filter(({ actualRoom }) => accommodates(actualRoom, need))
      : NO_SLOTS;
    search.base = base;
    search.baseBest = bestOf(base, ({ worker }) => worker.containerIds.length);
    search.baseVersion = version;
  }

  #openOf(types: string, instanceTypes: readonly string[], version: number): OpenSlots {
    const known = this.#open.get(types);
    if (known?.version === version) return known;
    const max = this.#containersMax;
    const slots: Slot[] = [];
    const most = roomOf(undefined);
    for (const slot of this.#slots.items()) {
      const { worker, actualRoom } = slot;
      if (actualRoom.vcpus <= 0 || !isUsable(slot)) continue;
      if (max > 0 && worker.containerIds.length >= max) continue;
      if (!instanceTypes.includes(worker.instanceType)) continue;
      slots.push(slot);
      widen(most, actualRoom);
    }
    const open = { slots, most, version };
    this.#open.set(types, open);
    return open;
  }
}

const NO_SLOTS: readonly Slot[] = [];

/** What neither of the two exceeds. */
function widen(most: Room, room: Readonly<Room>): void {
  most.vcpus = Math.max(most.vcpus, room.vcpus);
  most.ram = Math.max(most.ram, room.ram);
  most.scratch = Math.max(most.scratch, room.scratch);
  most.gpus = Math.max(most.gpus, room.gpus);
  most.gpuVram = Math.max(most.gpuVram, room.gpuVram);
}
