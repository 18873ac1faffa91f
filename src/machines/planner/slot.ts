import { fill, roomOf, subtract, type Room } from "../instance-types/packing.ts";
import type { InstanceType, Resources } from "../model/instance-type.ts";
import type { WorkerState } from "../model/worker-state.ts";
import type { PlanWorker } from "./view.ts";

/** Whether something may be placed on a worker, and whether it can be started there now. */
const STATES: Readonly<Record<WorkerState, { usable: boolean; ready: boolean }>> = {
  unknown: { usable: true, ready: false },
  booting: { usable: true, ready: false },
  idle: { usable: true, ready: true },
  running: { usable: true, ready: true },
  shutdown: { usable: false, ready: false },
};

/** An instance, with what is left of it: as it is, and as one pass sees it, reservations of that pass included. */
export interface Slot {
  readonly worker: PlanWorker;
  readonly type: InstanceType | undefined;
  readonly actualRoom: Readonly<Room>;
  readonly room: Room;
  containersCount: number;
  /** Can start a container now; else it is booting or was not probed yet. */
  readonly ready: boolean;
}

/** `needOf` gives what a container of the queue needs; what the queue does not know fills the instance. */
export function makeSlot(
  worker: PlanWorker,
  type: InstanceType | undefined,
  needOf: (containerId: string) => Resources | undefined,
): Slot {
  const room = roomOf(type);
  for (const id of worker.containerIds) {
    const need = needOf(id);
    if (!need) {
      fill(room);
      break;
    }
    subtract(room, need);
  }
  const { ready } = STATES[worker.state];
  const containersCount = worker.containerIds.length;
  return { worker, type, actualRoom: room, room: { ...room }, containersCount, ready };
}

/** Whether containers may be placed on it at all. */
export function isUsable({ worker }: Slot): boolean {
  return STATES[worker.state].usable && worker.idleBehavior === "run";
}

/** Takes the reservations of a pass back. */
export function release(slot: Slot): void {
  Object.assign(slot.room, slot.actualRoom);
  slot.containersCount = slot.worker.containerIds.length;
}

/**
 * Whether it is rather taken than the best of those before it in order of use, by the letter of the rule (specification §6.5 E.5).
 * Both have room.
 */
export function isBetter(
  slot: Slot,
  best: Slot | undefined,
  count: number,
  bestCount: number,
): boolean {
  return !best || count > bestCount || (slot.ready && !best.ready);
}
