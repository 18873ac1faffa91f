import { describe, expect, it } from "vitest";
import { steadyTime, WallClockWatch } from "../../src/actors/clock.ts";

/** A machine whose wall clock can be set. */
function machine() {
  const at = { wallMs: 1_000_000, monotonicMs: 500 };
  const nowMs = steadyTime({ wallMs: () => at.wallMs, monotonicMs: () => at.monotonicMs });
  const pass = (ms: number): void => {
    at.wallMs += ms;
    at.monotonicMs += ms;
  };
  return { at, nowMs, pass, watch: new WallClockWatch(() => at.wallMs, nowMs) };
}

describe("the time of a run", () => {
  it("begins as the wall clock's, and goes on whatever that is set to", () => {
    const { at, nowMs, pass } = machine();
    expect(nowMs()).toBe(1_000_000);
    pass(10);
    at.wallMs += 3_600_000;
    expect(nowMs()).toBe(1_000_010);
    at.wallMs -= 7_200_000;
    pass(5);
    expect(nowMs()).toBe(1_000_015);
  });
});

describe("watching the wall clock", () => {
  it("sees nothing while it goes on, and when it is corrected slowly", () => {
    const { at, pass, watch } = machine();
    for (let n = 0; n < 100; n++) {
      pass(10_000);
      at.wallMs += 1;
      expect(watch.look().jumpMs).toBe(0);
    }
    expect(watch.look()).toEqual({ offsetMs: 100, jumpMs: 0 });
  });

  it("sees each time that it is set, once, forward and back", () => {
    const { at, pass, watch } = machine();
    at.wallMs += 3_600_000;
    expect(watch.look()).toEqual({ offsetMs: 3_600_000, jumpMs: 3_600_000 });
    pass(10_000);
    expect(watch.look()).toEqual({ offsetMs: 3_600_000, jumpMs: 0 });
    at.wallMs -= 3_605_000;
    expect(watch.look()).toEqual({ offsetMs: -5_000, jumpMs: -3_605_000 });
  });
});
