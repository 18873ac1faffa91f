import { describe, expect, it } from "vitest";
import { Core } from "../../../src/machines/core/core.ts";
import { fold, replay } from "../../../src/machines/core/replay.ts";
import { moveOf, ToldTimes } from "../../../src/machines/model/told-times.ts";
import { ONLY } from "../../../src/machines/model/ids.ts";
import { EARLY, LATE, WrongClock, YEAR_MS } from "../../support/wrong-clock.ts";

const MINUTE_MS = 60_000;

/** All that the actors remember of time, by its place; what the queue says of a container is not ours. */
function instantsOf(core: Core): [string, number][] {
  const found: [string, number][] = [];
  const walk = (value: unknown, place: string): void => {
    if (typeof value === "number" && /Ms$/.test(place) && !place.endsWith("/createdAtMs"))
      found.push([place, value]);
    if (typeof value !== "object" || value === null) return;
    for (const [key, part] of Object.entries(value)) walk(part, `${place}/${key}`);
  };
  const { actors, limits } = JSON.parse(core.store()) as Record<string, unknown>;
  walk({ actors, limits }, "");
  return found;
}

describe("a start that finds the clock set back by a year", () => {
  it("leaves nobody with a time that is far ahead", () => {
    const clock = new WrongClock();
    const { builder } = clock;
    const wasAhead = instantsOf(builder.core).filter(([, ms]) => ms > builder.nowMs - YEAR_MS / 2);
    expect(wasAhead.length).toBeGreaterThan(10);
    expect(wasAhead.map(([place]) => place)).toContainEqual(
      expect.stringMatching(/destroyRefused\/lastAtMs$/),
    );
    clock.setRight();
    const later = instantsOf(builder.core).filter(([, ms]) => ms > builder.nowMs + 15 * MINUTE_MS);
    expect(later).toEqual([]);
  });

  it("keeps what is left of a hold", () => {
    const clock = new WrongClock();
    const { builder } = clock;
    const held = () => builder.core.registry.get("throttle", ONLY);
    const leftMs = (held()?.context.untilMs ?? 0) - builder.core.atMs;
    expect(leftMs).toBe(3 * MINUTE_MS);
    clock.setRight();
    expect(held()).toMatchObject({ value: "held", context: { untilMs: builder.nowMs + leftMs } });
  });

  it("keeps how long things have lasted, and leaves what was told by a right clock", () => {
    const clock = new WrongClock();
    const { builder } = clock;
    const { registry } = builder.core;
    const early = registry.get("container", EARLY)?.context;
    clock.setRight();
    expect(registry.get("container", EARLY)?.context.firstSeenAtMs).toBe(early?.firstSeenAtMs);
    expect(registry.get("worker", "i-1")?.context.bornAtMs).toBe(clock.startsMs[0]);
    // It was seen three minutes before the last record of the run that was ahead.
    const sinceMs = builder.nowMs - (registry.get("container", LATE)?.context.firstSeenAtMs ?? 0);
    expect(sinceMs).toBe(3 * MINUTE_MS);
  });

  it("moves when the API was last too busy", () => {
    const clock = new WrongClock();
    const { builder } = clock;
    const seen503AtMs = builder.nowMs - MINUTE_MS;
    builder.feed({ type: "planner.ran", polledSeq: builder.core.seq, seen503AtMs });
    const { atMs } = builder.core;
    clock.setRight();
    expect(builder.core.limits?.last503AtMs).toBe(builder.nowMs - (atMs - seen503AtMs));
  });

  it("decides the same when it is folded, and replayed", () => {
    const { builder } = new WrongClock().setRight();
    builder.plan();
    const { journaled: records, core } = builder;
    expect(fold(new Core("j1"), records).store()).toBe(core.store());
    const replayed = replay(new Core("j1"), records);
    expect(replayed.difference).toBeUndefined();
    expect(replayed.core.store()).toBe(core.store());
  });
});

describe("moving the times of a run that was ahead", () => {
  const setBack = { fromMs: 10_000, sinceMs: 8_000 };
  const move = moveOf({ atMs: 5_000, setBack }) ?? ((ms: number) => ms);

  it("keeps their distance from its end, also of what was to come", () => {
    expect([8_000, 9_000, 10_000, 12_000].map(move)).toEqual([3_000, 4_000, 5_000, 7_000]);
  });

  it("leaves what is older where it was, or before the run at least", () => {
    expect([1_000, 3_000, 4_000, 7_999].map(move)).toEqual([1_000, 3_000, 3_000, 3_000]);
  });

  it("is done for each start that came later", () => {
    const start = (seq: number, atMs: number, back?: typeof setBack) => ({
      seq,
      fact: {
        type: "daemon.started" as const,
        version: "",
        journalId: "",
        atMs,
        ...(back ? { setBack: back } : {}),
      },
      commands: [],
      decisions: [],
    });
    const again = { fromMs: 6_000, sinceMs: 5_000 };
    const times = new ToldTimes([
      start(5, 5_000, setBack),
      start(8, 2_000),
      start(9, 1_000, again),
    ]);
    expect(times.seqs).toEqual([5, 9]);
    expect(times.timeAt(4, 10_000)).toBe(0);
    expect(times.timeAt(5, 5_000)).toBe(0);
    expect(times.timeAt(8, 6_000)).toBe(1_000);
    expect(times.timeAt(9, 1_000)).toBe(1_000);
    expect(times.moveAt(9)).toBeUndefined();
  });
});
