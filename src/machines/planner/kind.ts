import type { Resources } from "../model/instance-type.ts";
import type { Slot } from "./slot.ts";
import type { PlanContainer } from "./view.ts";

/** Where containers of a kind find a place. It is the fleet's: nobody else writes it. */
export interface Search {
  /** The best instance between passes. */
  baseBest: Slot | undefined;
  /** The fleet's state for which it is that. */
  baseStamp: number;
  baseVersion: number;
  /** The pass that the rest is about. */
  pass: number;
  best: Slot | undefined;
  /** Those that may have room for it, in order of use; undefined: nobody has made a list for this kind alone. */
  slots: Slot[] | undefined;
  /** The reservations of the pass, and the instances asked for in it, for which `best` holds. */
  version: number;
  pendingsSeen: number;
}

/** Containers that need the same of the same types: what suits one suits all of them. */
export interface Kind {
  readonly need: Resources;
  readonly instanceTypes: readonly string[];
  /** Their names in one text. */
  readonly types: string;
  readonly search: Search;
  containersCount: number;
  /** Those that could be started or given an instance: locked, wanted, no process, no operation in flight. */
  lockedCount: number;
}

/** The kinds of the containers in the queue. */
export class Kinds {
  readonly #byHash = new Map<number, Kind[]>();
  #lockedKindsCount = 0;

  /** How many kinds have a container that could be started or given an instance. */
  get lockedKindsCount(): number {
    return this.#lockedKindsCount;
  }

  /** The kind of a container that enters the queue. */
  enter({ resources: need, instanceTypes }: PlanContainer): Kind {
    const hash = hashOf(need);
    let kinds = this.#byHash.get(hash);
    if (!kinds) this.#byHash.set(hash, (kinds = []));
    let kind = kinds.find(
      (each) => isSameNeed(each.need, need) && isSameList(each.instanceTypes, instanceTypes),
    );
    if (!kind) kinds.push((kind = makeKind(need, instanceTypes)));
    kind.containersCount++;
    return kind;
  }

  leave(kind: Kind): void {
    if (--kind.containersCount > 0) return;
    const hash = hashOf(kind.need);
    const others = this.#byHash.get(hash)?.filter((each) => each !== kind) ?? [];
    if (others.length > 0) this.#byHash.set(hash, others);
    else this.#byHash.delete(hash);
  }

  countLocked(kind: Kind, change: 1 | -1): void {
    const before = kind.lockedCount;
    kind.lockedCount += change;
    if (before === 0) this.#lockedKindsCount++;
    else if (kind.lockedCount === 0) this.#lockedKindsCount--;
  }
}

function makeKind(need: Resources, instanceTypes: readonly string[]): Kind {
  return {
    need,
    instanceTypes,
    types: instanceTypes.join(),
    search: {
      baseBest: undefined,
      baseStamp: -1,
      baseVersion: -1,
      pass: -1,
      best: undefined,
      slots: undefined,
      version: -1,
      pendingsSeen: 0,
    },
    containersCount: 0,
    lockedCount: 0,
  };
}

/** Tells most needs apart; a text for each container would cost more than to compare. */
function hashOf({ vcpus, ram, scratch, gpus, gpuVram }: Resources): number {
  return ram + 3 * scratch + 1009 * vcpus + 131 * gpus + 5 * gpuVram;
}

export function isSameNeed(a: Resources, b: Resources): boolean {
  return (
    a.ram === b.ram &&
    a.vcpus === b.vcpus &&
    a.scratch === b.scratch &&
    a.gpus === b.gpus &&
    a.gpuVram === b.gpuVram
  );
}

export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((value, index) => value === b[index]));
}
