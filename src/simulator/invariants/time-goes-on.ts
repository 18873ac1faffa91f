import type { FaultKind } from "../faults.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";
import { readable } from "./readable.ts";

/** What a fact may be behind the record that tells of it: the journal takes no longer, where its disk is well. */
const COMMIT_MS = 1_000;
/** No cloud of a simulated world asks for more peace. */
const HOLD_MAX_MS = 24 * 3_600_000;
/** They keep facts waiting for their record. */
const DELAYS_RECORDS: readonly FaultKind[] = ["journalFull", "journalSlow"];

/**
 * A run begins at the time of the wall clock, however wrong the last run's was, and goes on as the world does, or its
 * deadlines would come too late, or all at once (docs/design.md: time). In a journal no fact is before the last one, but for
 * a start that says that it sets the time back, and then what is remembered of time goes back with it.
 */
export function timeGoesOn(): Invariant {
  let clockOffsetMs = 0;
  /** What the run's time is ahead of the world's by; undefined before its start is recorded. */
  let aheadMs: number | undefined;
  const judge = (
    { record: { seq, fact }, atMs }: RecordEvent,
    world: World,
  ): string | undefined => {
    const nowAheadMs = fact.atMs - atMs;
    const isStart = fact.type === "daemon.started";
    if (isStart) aheadMs = nowAheadMs;
    const early = isStart ? stillToCome(world, fact.atMs) : undefined;
    if (early !== undefined) return early;
    if (aheadMs === undefined) return undefined;
    if (DELAYS_RECORDS.some((kind) => kind in world.faults.plan)) return undefined;
    if (isStart && Math.abs(nowAheadMs - clockOffsetMs) > COMMIT_MS)
      return `the run that starts at seq ${seq} is ${nowAheadMs - clockOffsetMs} ms ahead of the wall clock`;
    return Math.abs(nowAheadMs - aheadMs) > COMMIT_MS
      ? `${fact.type} at seq ${seq} is ${aheadMs - nowAheadMs} ms behind the time that has passed since the start`
      : undefined;
  };
  return {
    name: "timeGoesOn",
    check(event, world) {
      if (event.type === "daemon.started") {
        aheadMs = undefined;
        clockOffsetMs = event.clockOffsetMs;
      }
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
    checkEnd(world) {
      let lastAtMs = -Infinity;
      for (const { seq, fact } of readable(world)) {
        const isSetBack = fact.type === "daemon.started" && fact.setBack?.fromMs === lastAtMs;
        if (fact.atMs < lastAtMs && !isSetBack)
          return `${fact.type} at seq ${seq} is ${lastAtMs - fact.atMs} ms before the record that it follows`;
        lastAtMs = fact.atMs;
      }
      return undefined;
    },
  };
}

/** Whoever remembers, right after a start, what has not happened yet, or waits for next year. */
function stillToCome({ dispatcher }: World, nowMs: number): string | undefined {
  if (!dispatcher) return undefined;
  const { readModel } = dispatcher.supervisor;
  for (const [id, { context }] of readModel.entries("worker"))
    if (context.bornAtMs > nowMs) return `${id} was born ${context.bornAtMs - nowMs} ms from now`;
  for (const [id, { context }] of readModel.entries("container"))
    if (context.firstSeenAtMs > nowMs)
      return `${id} was first seen ${context.firstSeenAtMs - nowMs} ms from now`;
  for (const kind of ["quota", "capacity", "throttle"] as const)
    for (const [id, { context }] of readModel.entries(kind)) {
      const leftMs = (context.untilMs ?? 0) - nowMs;
      if (leftMs > HOLD_MAX_MS) return `${kind} ${id} holds creates back for another ${leftMs} ms`;
    }
  return undefined;
}
