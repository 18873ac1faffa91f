import { accommodates, fill, roomOf, subtract, type Room } from "../instance-types/packing.ts";
import type { InstanceType } from "../model/instance-type.ts";
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

/** Containers that need the same of the same types share one search. */
interface Search {
  /** In order of use; those in which the need did not fit are dropped for good, since room only shrinks in a pass. */
  slots: Slot[];
  pendingsSeen: number;
  best: Slot | undefined;
  /** The fleet's version for which `best` holds. */
  version: number;
}

export class Fleet {
  readonly #containersMax: number;
  readonly #pendings: Slot[] = [];
  readonly #byTypes = new Map<string, Slot[]>();
  readonly #searches = new Map<string, Search>();
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
    const { best, version } = search;
    // A reservation on the best one makes it the busiest: it stays the best while the need fits.
    if (best && version === this.#version && this.#fits(best, container)) return best;

    this.#addPendings(search, container);
    let kept: Slot | undefined;
    let count = 0;
    for (const slot of search.slots) {
      if (!this.#fits(slot, container)) continue;
      search.slots[count++] = slot;
      if (!kept || slot.containersCount > kept.containersCount || (slot.ready && !kept.ready)) {
        kept = slot;
      }
    }
    search.slots.length = count;
    search.best = kept;
    search.version = this.#version;
    return kept;
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

  #fits(slot: Slot, container: PlanContainer): boolean {
    return this.#hasRoom(slot) && accommodates(slot.room, container.resources);
  }

  #hasRoom(slot: Slot): boolean {
    const max = this.#containersMax;
    return slot.room.vcpus > 0 && (max === 0 || slot.containersCount < max);
  }

  #searchFor(container: PlanContainer): Search {
    const { vcpus, ram, scratch, gpus, gpuVram } = container.resources;
    const types = container.instanceTypes.join();
    const key = `${vcpus},${ram},${scratch},${gpus},${gpuVram},${types}`;
    let search = this.#searches.get(key);
    if (!search) {
      const slots = this.#slotsOf(types, container).filter((slot) => this.#fits(slot, container));
      search = { slots, pendingsSeen: 0, best: undefined, version: -1 };
      this.#searches.set(key, search);
    }
    return search;
  }

  /** The usable ones of the types that still have any room, in order of use; without those of this pass. */
  #slotsOf(key: string, container: PlanContainer): Slot[] {
    const known = this.#byTypes.get(key);
    const slots = known
      ? known.filter((slot) => this.#hasRoom(slot))
      : this.#slots.filter(
          (slot) =>
            slot.worker.state !== "shutdown" &&
            slot.worker.idleBehavior === "run" &&
            container.instanceTypes.includes(slot.worker.instanceType) &&
            this.#hasRoom(slot),
        );
    this.#byTypes.set(key, slots);
    return slots;
  }

  #addPendings(search: Search, container: PlanContainer): void {
    for (; search.pendingsSeen < this.#pendings.length; search.pendingsSeen++) {
      const slot = this.#pendings[search.pendingsSeen];
      if (!slot || !container.instanceTypes.includes(slot.worker.instanceType)) continue;
      if (this.#fits(slot, container)) insert(search.slots, slot);
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
