import { expect, it } from "vitest";
import { Faults } from "../../src/simulator/faults.ts";
import { FaultyQueue } from "../../src/simulator/faulty-queue.ts";
import type { SimulatedQueue } from "../../src/simulator/simulated-queue.ts";
import { VirtualClock } from "../../src/simulator/virtual-clock.ts";

it("a late unlock has no answer, and arrives once: when a runner is about to begin, or by itself", async () => {
  const clock = new VirtualClock(0);
  const unlocked: string[] = [];
  const faulty = new FaultyQueue({
    queue: {
      unlock: async (containerId: string) => void unlocked.push(containerId),
    } as unknown as SimulatedQueue,
    faults: new Faults(1, { unlockLate: 1 }),
    clock,
    seq: () => 0,
    onPolled: () => {},
  });
  let isAnswered = false;
  for (const id of ["c-1", "c-2"]) void faulty.unlock(id).finally(() => (isAnswered = true));
  await clock.run({ untilMs: 29_999 });
  expect(unlocked).toEqual([]);
  faulty.hurry("c-2");
  faulty.hurry("c-2");
  expect(unlocked).toEqual(["c-2"]);
  await clock.run({ untilMs: 60_000 });
  expect([unlocked, isAnswered]).toEqual([["c-2", "c-1"], false]);
});
