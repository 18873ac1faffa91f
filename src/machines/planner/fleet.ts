import { accommodates, roomOf, subtract, type Room } from "../instance-types/packing.ts";
import type { InstanceType, Resources } from "../model/instance-type.ts";
import type { Kind, Search } from "./kind.ts";
import { byUse } from "./order.ts";
import { Roster } from "./roster.ts";
import { isBetter, isUsable, makeSlot, release, type Slot } from "./slot.ts";
import { firstNotBefore, SortedList } from "./sorted-list.ts";
import type { PlanWorker } from "./view.ts";

/** A kind of as many containers looks in a list of its own, that gets shorter with every look. */
const MANY = 32;

/** Usable instances of some types that have any room, in order of use. */
interface OpenSlots {
  readonly instanceTypes: readonly string[];
  readonly version: number;
  readonly slots: readonly Slot[];
  /** What has no room in this has none in any of them. */
  readonly most: Readonly<Room>;
  /** The pass that the rest is about: those that still have any room in it, instances asked for included. */
  pass: number;
  left: Slot[];
  mostLeft: Readonly<Room>;
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
   * The instance to pack a container of the kind on (specification §6.5 E.5): the cheapest one with room, but rather the busiest,
   * and rather one that is ready than one that is not.
   */
  find(kind: Kind): Slot | undefined {
    const { search } = kind;
    if (search.pass !== this.#pass) this.#beginSearch(kind);
    this.#last = search;
    const { best, version, pendingsSeen } = search;
    // Reservations only take room away.
    if (!best && pendingsSeen === this.#pendings.length) return undefined;
    // A reservation on the best one makes it the busiest: it stays the best while the need fits.
    const isNewest = best && version === this.#version;
    if (isNewest && this.#hasRoom(best) && accommodates(best.room, kind.need)) return best;
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
    for (const open of this.#open.values()) {
      if (open.pass === this.#pass && open.instanceTypes.includes(type.name)) takeIn(open, slot);
    }
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
    search.pass = this.#pass;
    search.slots = undefined;
    if (search.baseStamp !== this.#stamp) {
      const version = this.#versionOf(kind.instanceTypes);
      if (search.baseVersion !== version) {
        // What is left in this pass is less than what there is between passes: cheaper to look at.
        if (this.#version !== this.#startVersion) return this.#choose(kind);
        this.#renewBase(kind, version);
      }
      search.baseStamp = this.#stamp;
    }
    search.best = search.baseBest;
    search.pendingsSeen = 0;
    search.version = this.#startVersion;
  }

  /** Looks at what has any room left, and drops what can be of no more use in this pass. */
  #choose(kind: Kind): void {
    const { search, need, containersCount } = kind;
    const open = this.#leftOf(kind);
    const { left } = open;
    if (search.slots) this.#takeInPendings(kind, search.slots);
    else if (containersCount >= MANY) search.slots = left.slice();
    search.pendingsSeen = this.#pendings.length;
    search.version = this.#version;
    search.best = undefined;
    if (!accommodates(open.mostLeft, need)) return;
    const slots = search.slots ?? left;
    let count = 0;
    let best: Slot | undefined;
    for (let at = 0; at < slots.length; at++) {
      const slot = slots[at]!;
      if (!this.#hasRoom(slot)) continue;
      const fits = accommodates(slot.room, need);
      if (fits || slots === left) slots[count++] = slot;
      if (!fits) continue;
      if (isBetter(slot, best, slot.containersCount, best?.containersCount ?? 0)) best = slot;
    }
    slots.length = count;
    search.best = best;
    if (!best && slots === left) open.mostLeft = mostOf(left, ({ room }) => room);
  }

  #takeInPendings({ search, instanceTypes }: Kind, slots: Slot[]): void {
    for (const slot of this.#pendings.slice(search.pendingsSeen)) {
      if (instanceTypes.includes(slot.worker.instanceType)) insert(slots, slot);
    }
  }

  #hasRoom(slot: Slot): boolean {
    const max = this.#containersMax;
    return slot.room.vcpus > 0 && (max === 0 || slot.containersCount < max);
  }

  /** Without the reservations of the pass that is going on. */
  #renewBase({ search, need, instanceTypes, types }: Kind, version: number): void {
    const { slots, most } = this.#openOf(types, instanceTypes, version);
    let best: Slot | undefined;
    let count = 0;
    if (accommodates(most, need)) {
      for (const slot of slots) {
        if (!accommodates(slot.actualRoom, need)) continue;
        const other = slot.worker.containerIds.length;
        if (isBetter(slot, best, other, count)) [best, count] = [slot, other];
      }
    }
    search.baseBest = best;
    search.baseVersion = version;
  }

  #leftOf({ types, instanceTypes }: Kind): OpenSlots {
    const open = this.#openOf(types, instanceTypes, this.#versionOf(instanceTypes));
    if (open.pass === this.#pass) return open;
    open.pass = this.#pass;
    open.left = open.slots.slice();
    open.mostLeft = open.most;
    for (const slot of this.#pendings) {
      if (instanceTypes.includes(slot.worker.instanceType)) takeIn(open, slot);
    }
    return open;
  }

  #openOf(types: string, instanceTypes: readonly string[], version: number): OpenSlots {
    const known = this.#open.get(types);
    if (known?.version === version) return known;
    const max = this.#containersMax;
    const slots = this.#slots.items().filter((slot) => {
      const { worker, actualRoom } = slot;
      if (actualRoom.vcpus <= 0 || !isUsable(slot)) return false;
      if (max > 0 && worker.containerIds.length >= max) return false;
      return instanceTypes.includes(worker.instanceType);
    });
    const most = mostOf(slots, ({ actualRoom }) => actualRoom);
    const nothingLeft = { pass: -1, left: [], mostLeft: most };
    const open: OpenSlots = { instanceTypes, version, slots, most, ...nothingLeft };
    this.#open.set(types, open);
    return open;
  }
}

/** Takes in an instance that is asked for in the pass that is going on. */
function takeIn(open: OpenSlots, slot: Slot): void {
  insert(open.left, slot);
  open.mostLeft = mostOf([slot], ({ room }) => room, open.mostLeft);
}

function insert(slots: Slot[], slot: Slot): void {
  slots.splice(firstNotBefore(slots, slot, byUse), 0, slot);
}

/** What none of them exceeds. */
function mostOf(
  slots: readonly Slot[],
  roomIn: (slot: Slot) => Readonly<Room>,
  atLeast: Readonly<Room> = roomOf(undefined),
): Room {
  const most = { ...atLeast };
  for (const slot of slots) {
    const room = roomIn(slot);
    most.vcpus = Math.max(most.vcpus, room.vcpus);
    most.ram = Math.max(most.ram, room.ram);
    most.scratch = Math.max(most.scratch, room.scratch);
    most.gpus = Math.max(most.gpus, room.gpus);
    most.gpuVram = Math.max(most.gpuVram, room.gpuVram);
  }
  return most;
}
