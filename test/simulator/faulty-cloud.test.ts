import { expect, it } from "vitest";
import { Faults } from "../../src/simulator/faults.ts";
import { CloudHistory, FaultyCloud } from "../../src/simulator/faulty-cloud.ts";
import type { SimulatedCloud } from "../../src/simulator/simulated-cloud.ts";
import { VirtualClock } from "../../src/simulator/virtual-clock.ts";

const HOUR_MS = 3_600_000;

it("no stale list is older than some seconds, though the dispatcher's clock was set back since", async () => {
  const world = { nowMs: 2 * HOUR_MS, listed: "i-old" };
  const history = new CloudHistory();
  /** What a dispatcher lists whose clock is so much behind the world's. */
  const listed = async (behindMs: number, staleShare: number): Promise<string[]> => {
    const faulty = new FaultyCloud({
      cloud: {
        list: async () => [{ instanceId: world.listed, tags: {} }],
      } as unknown as SimulatedCloud,
      faults: new Faults(1, { listStale: staleShare }),
      history,
      secretTag: "InstanceSecret",
      clock: new VirtualClock(world.nowMs - behindMs),
      worldMs: () => world.nowMs,
      patienceMs: 60_000,
    });
    return (await faulty.list({})).map(({ instanceId }) => instanceId);
  };

  expect(await listed(0, 0)).toEqual(["i-old"]);
  world.nowMs += 10_000;
  world.listed = "i-new";
  expect(await listed(HOUR_MS, 1)).toEqual(["i-old"]);
  world.nowMs += 10_000;
  expect(await listed(HOUR_MS, 1)).toEqual(["i-new"]);
});

it("a row of lists lacks no instance for long that nobody can ask, as no list has shown it to this run", async () => {
  const world = { nowMs: 0 };
  const history = new CloudHistory();
  const start = (): FaultyCloud =>
    new FaultyCloud({
      cloud: {
        list: async () => [{ instanceId: "i-1", tags: {} }],
      } as unknown as SimulatedCloud,
      faults: new Faults(1, {}),
      history,
      secretTag: "InstanceSecret",
      clock: new VirtualClock(0),
      worldMs: () => world.nowMs,
      patienceMs: 60_000,
    });
  const listedAfter = async (faulty: FaultyCloud, delayMs: number): Promise<string[]> => {
    world.nowMs += delayMs;
    return (await faulty.list({})).map(({ instanceId }) => instanceId);
  };

  const first = start();
  expect(await listedAfter(first, 0)).toEqual(["i-1"]);
  Object.assign(history, { lacking: "i-1", lackingCount: 10 });
  expect(await listedAfter(first, 50_000)).toEqual([]);
  const second = start();
  expect(await listedAfter(second, 1_000)).toEqual([]);
  expect(await listedAfter(second, 30_000)).toEqual(["i-1"]);
});
