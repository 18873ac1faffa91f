import type { Core } from "../core/core.ts";
import type { Change } from "../core/draft.ts";
import { movedLimits, movedSnapshot } from "../core/set-back.ts";
import { ACTOR_KINDS } from "../model/ids.ts";
import type { JournalRecord } from "../model/record.ts";
import type { ToldTimes } from "../model/told-times.ts";

/** A record with its own time as it is told now; what it says of others stands as written. */
export function toldRecord(record: JournalRecord, times: ToldTimes): JournalRecord {
  const move = times.moveAt(record.seq);
  return move ? { ...record, fact: { ...record.fact, atMs: move(record.fact.atMs) } } : record;
}

/** What a record changed, with the times that actors remember as they are told now. */
export function toldChanges(
  seq: number,
  changes: readonly Change[],
  times: ToldTimes,
): readonly Change[] {
  const move = times.moveAt(seq);
  if (!move) return changes;
  return changes.map((change) => {
    const { kind, before, after } = change;
    return {
      ...change,
      before: before && movedSnapshot(kind, before, move),
      after: movedSnapshot(kind, after, move),
    };
  });
}

/** A state with its times as they are told now: itself where they stand, else another one. */
export function toldCore(core: Core, times: ToldTimes): Core {
  const move = times.moveAt(core.seq);
  if (!move) return core;
  const told = core.fork();
  told.atMs = move(core.atMs);
  told.limits = core.limits && movedLimits(core.limits, move);
  for (const kind of ACTOR_KINDS)
    for (const [id, snapshot] of core.registry.entries(kind))
      told.registry.set(kind, id, movedSnapshot(kind, snapshot, move));
  return told;
}
