import type { FaultKind } from "../faults.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** What a fact may be behind the record that tells of it: the journal takes no longer, where its disk is well. */
const COMMIT_MS = 1_000;
/** They keep facts waiting for their record. */
const DELAYS_RECORDS: readonly FaultKind[] = ["journalFull", "journalSlow"];

/**
 * In a journal, no fact is before the last one, whatever the wall clock did between two runs (docs/design.md: time); and within a
 * run it goes on as the world does, or no deadline would come.
 */
export function timeGoesOn(): Invariant {
  /** What the run's time is ahead of the world's by. */
  let aheadMs: number | undefined;
  const judge = (
    { record: { seq, fact }, atMs }: RecordEvent,
    world: World,
  ): string | undefined => {
    const nowAheadMs = fact.atMs - atMs;
    aheadMs ??= nowAheadMs;
    if (DELAYS_RECORDS.some((kind) => kind in world.faults.plan)) return undefined;
    return Math.abs(nowAheadMs - aheadMs) > COMMIT_MS
      ? `${fact.type} at seq ${seq} is ${aheadMs - nowAheadMs} ms behind the time that has passed since the start`
      : undefined;
  };
  return {
    name: "timeGoesOn",
    check(event, world) {
      if (event.type === "daemon.started") aheadMs = undefined;
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
    checkEnd({ journal }) {
      let lastAtMs = -Infinity;
      for (const { seq, fact } of journal?.read() ?? []) {
        if (fact.atMs < lastAtMs)
          return `${fact.type} at seq ${seq} is ${lastAtMs - fact.atMs} ms before the record that it follows`;
        lastAtMs = fact.atMs;
      }
      return undefined;
    },
  };
}
