import type { World } from "../world.ts";
import type { WorldEvent } from "../world-event.ts";

/** Something that must hold at every step. One instance watches one run. */
export interface Invariant {
  readonly name: string;
  /** What is wrong, in words that name who is concerned; undefined while it holds. */
  check(event: WorldEvent, world: World): string | undefined;
  /** Once the faults have stopped, the queue is empty and the fleet is gone. */
  checkEnd?(world: World): string | undefined;
}

export type RecordEvent = Extract<WorldEvent, { type: "record.released" }>;
