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
