import type { AnyStateMachine } from "xstate";
import { describe, expect, it } from "vitest";
import { dueAtMs } from "../../../src/machines/core/due.ts";
import { capacityMachine } from "../../../src/machines/limits/capacity.machine.ts";
import type { LimitEvent } from "../../../src/machines/limits/hold.ts";
import { quotaMachine } from "../../../src/machines/limits/quota.machine.ts";
import { throttleMachine } from "../../../src/machines/limits/throttle.machine.ts";
import { start, step } from "../../../src/machines/step.ts";
import { describeScenarios } from "../../drivers/scenarios.ts";

interface Held {
  value: string;
  context: { untilMs: number | null; failuresCount: number; message: string; fewerThan: number };
}

function failed(
  atMs: number,
  changes: Partial<Extract<LimitEvent, { type: "create.failed" }>> = {},
): LimitEvent {
  const failure = { message: "no", otherInstancesCount: 0, retryAtMs: null };
  return { type: "create.failed", atMs, ...failure, ...changes };
}

/** Feeds events one after the other; the snapshot after the last. */
function after(machine: AnyStateMachine, ...events: LimitEvent[]): Held {
  let { snapshot } = start(machine, undefined as never);
  for (const event of events) ({ snapshot } = step(machine, snapshot as never, event as never));
  return snapshot;
}

const tick = (atMs: number): LimitEvent => ({ type: "clock.ticked", atMs });
const counted = (instancesCount: number): LimitEvent => ({
  type: "instances.counted",
  atMs: 1,
  instancesCount,
});

describe("quota", () => {
  it("is open until the cloud refuses", () => {
    expect(after(quotaMachine, tick(1), counted(0)).value).toBe("open");
  });

  it("opens when there are fewer instances than when it was refused, not before", () => {
    const closed = failed(1, { otherInstancesCount: 3 });
    expect(after(quotaMachine, closed)).toMatchObject({
      value: "closedUntilFewer",
      context: { fewerThan: 3, untilMs: null },
    });
    expect(after(quotaMachine, closed, counted(3), tick(1e9)).value).toBe("closedUntilFewer");
    expect(after(quotaMachine, closed, counted(2)).value).toBe("open");
  });

  it("is only ever lowered by another refusal", () => {
    const at = (count: number): LimitEvent => failed(1, { otherInstancesCount: count });
    expect(after(quotaMachine, at(3), at(5)).context.fewerThan).toBe(3);
    expect(after(quotaMachine, at(3), at(1)).context.fewerThan).toBe(1);
    expect(after(quotaMachine, at(3), counted(2), at(5)).context.fewerThan).toBe(5);
  });

  it("is closed for a minute when there is nothing whose end could open it", () => {
    const held = after(quotaMachine, failed(1_000));
    expect([held.value, dueAtMs("quota", held as never)]).toEqual(["closedForAWhile", 61_000]);
    expect(after(quotaMachine, failed(1_000), tick(60_999)).value).toBe("closedForAWhile");
    const open = after(quotaMachine, failed(1_000), tick(61_000));
    expect([open.value, dueAtMs("quota", open as never)]).toEqual(["open", null]);
    const both = after(quotaMachine, failed(1_000), failed(2_000, { otherInstancesCount: 2 }));
    expect([both.value, both.context.untilMs]).toEqual(["closedUntilFewer", null]);
    const back = after(quotaMachine, failed(1_000, { otherInstancesCount: 2 }), failed(2_000));
    expect([back.value, back.context.untilMs]).toEqual(["closedForAWhile", 62_000]);
  });
});

describe("capacity", () => {
  it("is exhausted for a minute after the newest refusal", () => {
    const held = after(capacityMachine, failed(1_000), failed(31_000));
    expect([held.value, held.context.untilMs]).toEqual(["exhausted", 91_000]);
    expect(after(capacityMachine, failed(1_000), failed(31_000), tick(61_000)).value).toBe(
      "exhausted",
    );
    expect(after(capacityMachine, failed(1_000), tick(61_000)).value).toBe("available");
  });
});

describe("the create throttle", () => {
  it("pauses longer and longer after failures of no known reason, until a create succeeds", () => {
    const events: LimitEvent[] = [];
    const pauses: number[] = [];
    for (let n = 0; n < 10; n++) {
      events.push(failed(n * 100_000));
      pauses.push((after(throttleMachine, ...events).context.untilMs ?? 0) - n * 100_000);
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000]);
    events.push({ type: "create.succeeded", atMs: 2e6 }, tick(3e6), failed(4e6));
    expect(after(throttleMachine, ...events).context.untilMs).toBe(4e6 + 100);
  });

  it("holds as long as the cloud asked, and no other failure cuts that short", () => {
    const limited = failed(0, { retryAtMs: 90_000, message: "slow down" });
    expect(after(throttleMachine, limited, tick(89_999)).value).toBe("held");
    expect(after(throttleMachine, limited, failed(1_000)).context.untilMs).toBe(90_000);
    expect(after(throttleMachine, limited, tick(90_000))).toMatchObject({
      value: "open",
      context: { untilMs: null, message: "" },
    });
  });

  it("holds 5 s when more was wanted than may be in flight, counted once", () => {
    const declined = (atMs: number): LimitEvent => ({ type: "create.declined", atMs });
    expect(after(throttleMachine, declined(1), declined(4_000)).context.untilMs).toBe(5_001);
    expect(after(throttleMachine, declined(1), tick(5_001)).value).toBe("open");
  });
});

describeScenarios("worker.throttle.json", {
  runs: {
    "arv.worker.throttle": ({ then }) => {
      const { steps } = then as { steps: { expect: unknown }[] };
      const error = (held: Held): string | null =>
        held.value === "held" ? held.context.message : null;
      const wait = (untilMs: number): LimitEvent =>
        failed(0, { retryAtMs: untilMs, message: "wait" });
      const held = after(throttleMachine, wait(1_000));
      const cleared = after(throttleMachine, wait(1_000), tick(1_000));
      const short = after(throttleMachine, wait(1));
      const over = after(throttleMachine, wait(1), tick(10));
      const told = [
        error(after(throttleMachine)),
        error(held),
        error(cleared),
        error(short),
        error(over),
        // The deadline is the wake-up: the tick at its end is a change, which the planner is told of.
        dueAtMs("throttle", short as never) === 1 && over.value !== short.value,
      ];
      expect(told).toEqual(steps.map((one) => one.expect));
    },
  },
});
