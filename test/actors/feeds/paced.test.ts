import { Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { paced } from "../../../src/actors/feeds/paced.ts";
import { VirtualClock } from "../../../src/simulator/virtual-clock.ts";

/** Items that each take a time, with a pace of 100 ms, and when each began. */
function pacedItems({ takesMs = 0, atOnceMax = 10 }) {
  const clock = new VirtualClock(0);
  const began: string[] = [];
  const items = new Subject<string>();
  const bugs: unknown[] = [];
  const run = async (item: string): Promise<void> => {
    began.push(`${item} ${clock.nowMs()}`);
    if (item === "broken") throw new Error("broken");
    await new Promise<void>((resolve) => clock.setTimer(takesMs, resolve));
  };
  const subscription = items
    .pipe(paced({ clock, paceMs: 100, atOnceMax, run }))
    .subscribe({ error: (bug) => void bugs.push(bug) });
  return {
    began,
    bugs,
    add: (...names: string[]) => names.forEach((name) => items.next(name)),
    to: (untilMs: number) => clock.run({ untilMs }),
    stop: () => subscription.unsubscribe(),
  };
}

describe("what is paced", () => {
  it("begins in its order, one a pace, and the first one a pace after it came", async () => {
    const { add, to, began } = pacedItems({ takesMs: 1_000 });
    await to(30);
    add("a", "b");
    await to(500);
    add("c");
    await to(1_000);
    expect(began).toEqual(["a 130", "b 230", "c 600"]);
  });

  it("waits for room, and a pace after that", async () => {
    const { add, to, began } = pacedItems({ takesMs: 1_000, atOnceMax: 2 });
    add("a", "b", "c", "d");
    await to(5_000);
    expect(began).toEqual(["a 100", "b 200", "c 1200", "d 1300"]);
  });

  it("begins no more once it is stopped, and tells of a bug", async () => {
    const stopped = pacedItems({});
    stopped.add("a", "b");
    await stopped.to(150);
    stopped.stop();
    await stopped.to(1_000);
    expect(stopped.began).toEqual(["a 100"]);
    const broken = pacedItems({});
    broken.add("broken");
    await broken.to(1_000);
    expect(broken.bugs).toEqual([new Error("broken")]);
  });
});
