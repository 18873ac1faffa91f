import { describe, expect, it } from "vitest";
import { Rounds } from "../../../src/actors/feeds/rounds.ts";
import { VirtualClock } from "../../../src/simulator/virtual-clock.ts";

/** Rounds that take a time and ask for a pause, and when each began. */
function rounds({ takesMs = 0, pauseMs = 1_000 } = {}) {
  const clock = new VirtualClock(0);
  const beganAtMs: number[] = [];
  const bugs: unknown[] = [];
  let runningCount = 0;
  let error: Error | undefined;
  const feed = new Rounds({
    clock,
    broke: (bug) => void bugs.push(bug),
    round: async () => {
      expect(++runningCount).toBe(1);
      beganAtMs.push(clock.nowMs());
      await new Promise<void>((resolve) => clock.setTimer(takesMs, resolve));
      runningCount--;
      if (error) throw error;
      return pauseMs;
    },
  });
  return {
    feed,
    beganAtMs,
    bugs,
    to: (untilMs: number) => clock.run({ untilMs }),
    fail: (with_: Error) => (error = with_),
  };
}

describe("rounds", () => {
  it("follow each other with the pause that each asks for, never two at once", async () => {
    const { feed, beganAtMs, to } = rounds({ takesMs: 300 });
    feed.start();
    await to(4_000);
    expect(beganAtMs).toEqual([0, 1_300, 2_600, 3_900]);
  });

  it("come sooner when that is wanted in a pause, but not later", async () => {
    const { feed, beganAtMs, to } = rounds();
    feed.start();
    await to(100);
    feed.soon(200);
    await to(800);
    expect(beganAtMs).toEqual([0, 300]);
    feed.soon(5_000);
    await to(1_400);
    expect(beganAtMs).toEqual([0, 300, 1_300]);
  });

  it("come as soon as the soonest of several wishes wants", async () => {
    const { feed, beganAtMs, to } = rounds();
    feed.start();
    await to(100);
    feed.soon(700);
    await to(200);
    feed.soon(100);
    feed.soon(800);
    await to(900);
    expect(beganAtMs).toEqual([0, 300]);
  });

  it("heed a wish that came while one was under way after it, and once", async () => {
    const { feed, beganAtMs, to } = rounds({ takesMs: 100, pauseMs: 10_000 });
    feed.start();
    await to(50);
    feed.soon(400);
    feed.soon(200);
    await to(30_000);
    expect(beganAtMs).toEqual([0, 300, 10_400, 20_500]);
  });

  it("end at once when stopped, in a pause or in a round", async () => {
    const pausing = rounds();
    pausing.feed.start();
    await pausing.to(10);
    pausing.feed.stop();
    pausing.feed.soon(1);
    await pausing.to(10_000);
    expect(pausing.beganAtMs).toEqual([0]);
    const running = rounds({ takesMs: 500 });
    running.feed.start();
    await running.to(10);
    running.feed.stop();
    await running.to(10_000);
    expect(running.beganAtMs).toEqual([0]);
  });

  it("end with a bug when one throws, and tell it", async () => {
    const { feed, beganAtMs, bugs, to, fail } = rounds();
    const error = new Error("bug");
    fail(error);
    feed.start();
    await to(10_000);
    expect([beganAtMs, bugs]).toEqual([[0], [error]]);
  });
});
