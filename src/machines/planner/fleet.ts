import { accommodates, fill, roomOf, subtract, type Room } from "../instance-types/packing.ts";
import type { InstanceType, Resources } from "../model/instance-type.ts";
import { byUse } from "./order.ts";
import type { PlanContainer, PlanView, PlanWorker } from "./view.ts";

/** An instance as one pass sees it: what it holds and what is left of it, reservations of this pass included. */
export interface Slot {
  readonly worker: PlanWorker;
  readonly type: InstanceType | undefined;
  readonly room: Room;
  containersCount: number;
  /** Can start a container now; else it is booting or was not probed yet. */
  readonly ready: boolean;
}

/** Usable instances of some types that had any room when last looked at, in order of use. */
interface Candidates {
  slots: readonly Slot[];
  /** The fleet's version at that time. */
  version: number;
  /** A need that none of them has room for; they cannot gain any within a pass. */
  refused: Resources | undefined;
}

/** Containers that need the same of the same types share one search. */
interface Search {
  readonly need: Resources;
  /** In order of use; those in which the need did not fit are dropped for good. */
  slots: Slot[];
  pendingsSeen: number;
  best: Slot | undefined;
  /** The fleet's version for which `best` holds. */
  version: number;
}

export class Fleet {
  readonly #containersMax: number;
  readonly #pendings: Slot[] = [];
  readonly #candidates = new Map<string, Candidates>();
  /** By types, then by RAM, which tells most needs apart: writing a key for each container would cost more than to look. */
  readonly #searches = new Map<string, Map<number, Search[]>>();
  readonly #slots: readonly Slot[];
  #last: Search | undefined;
  #version = 0;

  /** `containersMax`: how many containers an instance may hold, 0 is no limit. */
  constructor(view: PlanView, containersMax: number) {
    this.#containersMax = containersMax;
    const listed = new Map<string, PlanContainer | undefined>();
    for (const worker of view.workers) {
      for (const id of worker.containerIds) listed.set(id, undefined);
    }
    for (const container of view.containers) {
      if (listed.has(container.containerId)) listed.set(container.containerId, container);
    }
    this.#slots = view.workers
      .map((worker) => makeSlot(worker, view.instanceTypes[worker.instanceType], listed))
      .sort(byUse);
  }

  /** Instances that hold nothing, cheapest first. */
  empty(): Slot[] {
    return this.#slots.filter((slot) => slot.containersCount === 0);
  }

  /**
   * The instance to pack the container on (spec §6.5 E.5): the cheapest one with room, but rather the busiest, and rather
   * one that is ready than one that is not.
   */
  find(container: PlanContainer): Slot | undefined {
    const search = this.#searchFor(container);
    this.#last = search;
    const { best, version, pendingsSeen } = search;
    const unchanged = version === this.#version && pendingsSeen === this.#pendings.length;
    // A reservation on the best one makes it the busiest: it stays the best while the need fits.
    if (best && unchanged && this.#fits(best, container.resources)) return best;
    this.#addPendings(search, container);
    this.#choose(search, search.slots, container.resources);
    return search.best;
  }

  /** Places the container on what `find` returned for it. */
  reserve(slot: Slot, container: PlanContainer): void {
    subtract(slot.room, container.resources);
    slot.containersCount++;
    this.#version++;
    if (this.#last?.best === slot) this.#last.version = this.#version;
  }

  /** An instance that was asked for in this pass, with the container that it is for. */
  add(type: InstanceType, container: PlanContainer): void {
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
    const slot = makeSlot(worker, type, new Map());
    subtract(slot.room, container.resources);
    slot.containersCount = 1;
    this.#pendings.push(slot);
    this.#version++;
  }

  #fits(slot: Slot, need: Resources): boolean {
    return this.#hasRoom(slot) && accommodates(slot.room, need);
  }

  #hasRoom(slot: Slot): boolean {
    const max = this.#containersMax;
    return slot.room.vcpus > 0 && (max === 0 || slot.containersCount < max);
  }

  /** Goes through `from` in order, which may be the search's own list, and leaves it those that fit. */
  #choose(search: Search, from: readonly Slot[], need: Resources): void {
    let kept: Slot | undefined;
    let count = 0;
    for (const slot of from) {
      if (!this.#fits(slot, need)) continue;
      search.slots[count++] = slot;
      if (!kept || slot.containersCount > kept.containersCount || (slot.ready && !kept.ready)) {
        kept = slot;
      }
    }
    search.slots.length = count;
    search.best = kept;
    search.version = this.#version;
  }

  #searchFor({ instanceTypes, resources: need }: PlanContainer): Search {
    const types = instanceTypes.length === 1 ? (instanceTypes[0] ?? "") : instanceTypes.join();
    const byRam = getOrAdd(this.#searches, types, () => new Map<number, Search[]>());
    const searches = getOrAdd(byRam, need.ram, () => []);
    let search = searches.find((each) => isAsMuch(each.need, need) && isAsMuch(need, each.need));
    if (search) return search;
    search = { need, slots: [], pendingsSeen: 0, best: undefined, version: -1 };
    searches.push(search);
    const candidates = this.#candidatesOf(types, instanceTypes);
    if (candidates.refused && isAsMuch(need, candidates.refused)) return search;
    this.#choose(search, candidates.slots, need);
    if (!search.best && (!candidates.refused || isAsMuch(candidates.refused, need))) {
      candidates.refused = need;
    }
    return search;
  }

  /** Without those of this pass, which each search adds to its own. */
  #candidatesOf(types: string, instanceTypes: readonly string[]): Candidates {
    let candidates = this.#candidates.get(types);
    if (!candidates) {
      const slots = this.#slots.filter(
        (slot) =>
          slot.worker.state !== "shutdown" &&
          slot.worker.idleBehavior === "run" &&
          instanceTypes.includes(slot.worker.instanceType) &&
          this.#hasRoom(slot),
      );
      candidates = { slots, version: this.#version, refused: undefined };
      this.#candidates.set(types, candidates);
    } else if (this.#version - candidates.version > candidates.slots.length / 4) {
      candidates.slots = candidates.slots.filter((slot) => this.#hasRoom(slot));
      candidates.version = this.#version;
    }
    return candidates;
  }

  #addPendings(search: Search, container: PlanContainer): void {
    for (; search.pendingsSeen < this.#pendings.length; search.pendingsSeen++) {
      const slot = this.#pendings[search.pendingsSeen];
      if (!slot || !container.instanceTypes.includes(slot.worker.instanceType)) continue;
      if (this.#fits(slot, container.resources)) insert(search.slots, slot);
    }
  }
}

function makeSlot(
  worker: PlanWorker,
  type: InstanceType | undefined,
  containers: ReadonlyMap<string, PlanContainer | undefined>,
): Slot {
  const room = roomOf(type);
  for (const id of worker.containerIds) {
    const container = containers.get(id);
    if (!container) {
      fill(room);
      break;
    }
    subtract(room, container.resources);
  }
  const ready = worker.state === "idle" || worker.state === "running";
  return { worker, type, room, containersCount: worker.containerIds.length, ready };
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

/** Whether what has no room for the second has none for the first. */
function isAsMuch(need: Resources, other: Resources): boolean {
  return (
    need.vcpus >= other.vcpus &&
    need.ram >= other.ram &&
    need.scratch >= other.scratch &&
    need.gpus >= other.gpus &&
    need.gpuVram >= other.gpuVram
  );
}

function insert(slots: Slot[], slot: Slot): void {
  let low = 0;
  let high = slots.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = slots[middle];
    if (other && byUse(other, slot) <= 0) low = middle + 1;
    else high = middle;
  }
  slots.splice(low, 0, slot);
}
