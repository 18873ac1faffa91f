import { expect, it } from "vitest";
import type { CloudError } from "../../src/drivers/cloud/port.ts";
import { Faults } from "../../src/simulator/faults.ts";
import { CloudHistory, FaultyCloud } from "../../src/simulator/faulty-cloud.ts";
import type { SimulatedCloud } from "../../src/simulator/simulated-cloud.ts";
import { VirtualClock } from "../../src/simulator/virtual-clock.ts";

const HOUR_MS = 3_600_000;
const { signal: SIGNAL } = new AbortController();

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
      worldClock: { nowMs: () => world.nowMs, setTimer: () => () => {} },
      tell: () => {},
      patienceMs: 60_000,
    });
    return (await faulty.list({}, SIGNAL)).map(({ instanceId }) => instanceId);
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
      worldClock: { nowMs: () => world.nowMs, setTimer: () => () => {} },
      tell: () => {},
      patienceMs: 60_000,
    });
  const listedAfter = async (faulty: FaultyCloud, delayMs: number): Promise<string[]> => {
    world.nowMs += delayMs;
    return (await faulty.list({}, SIGNAL)).map(({ instanceId }) => instanceId);
  };

  const first = start();
  expect(await listedAfter(first, 0)).toEqual(["i-1"]);
  Object.assign(history, { lacking: "i-1", lackingCount: 10 });
  expect(await listedAfter(first, 50_000)).toEqual([]);
  const second = start();
  expect(await listedAfter(second, 1_000)).toEqual([]);
  expect(await listedAfter(second, 30_000)).toEqual(["i-1"]);
});

it("a create that is carried out late has no answer, and its VM comes all the same", async () => {
  const clock = new VirtualClock(0);
  let createsCount = 0;
  const faulty = new FaultyCloud({
    cloud: { create: async () => void createsCount++ } as unknown as SimulatedCloud,
    faults: new Faults(1, { createHangs: 1 }),
    history: new CloudHistory(),
    secretTag: "InstanceSecret",
    clock,
    worldClock: clock,
    tell: () => {},
    patienceMs: 60_000,
  });
  let isAnswered = false;
  void faulty.create({} as never).finally(() => (isAnswered = true));
  await clock.run({ untilMs: 59_999 });
  expect(createsCount).toBe(0);
  await clock.run({ untilMs: 150_000 });
  expect([createsCount, isAnswered]).toEqual([1, false]);
});

it("one list lacks a busy instance, and the next one is whole", async () => {
  const history = new CloudHistory();
  const clock = new VirtualClock(0);
  const all = ["i-1", "i-2", "i-3"].map((instanceId) => ({ instanceId, tags: {} }));
  const vm = (instanceId: string) => ({ runningIds: instanceId === "i-2" ? ["c"] : [] });
  const faulty = new FaultyCloud({
    cloud: { vm, list: async () => all } as unknown as SimulatedCloud,
    faults: new Faults(1, { listPartial: 1 }),
    history,
    secretTag: "InstanceSecret",
    clock,
    worldClock: clock,
    tell: () => {},
    patienceMs: 60_000,
  });
  Object.assign(history, { lacking: "i-1", lackingCount: 3, hidesBusy: true });
  expect(await faulty.list({}, SIGNAL)).toEqual([all[0], all[2]]);
  expect(await faulty.list({}, SIGNAL)).toEqual(all);
});

it("a list that is refused until a time says so to who watches, unless nobody waits for it", async () => {
  const told: object[] = [];
  const clock = new VirtualClock(1_000);
  const faulty = new FaultyCloud({
    cloud: {} as SimulatedCloud,
    faults: new Faults(1, { rateLimitedUntil: 1 }),
    history: new CloudHistory(),
    secretTag: "InstanceSecret",
    clock: new VirtualClock(0),
    worldClock: clock,
    tell: (tale) => told.push(tale),
    patienceMs: 60_000,
  });
  const refusal = await faulty.list({}, SIGNAL).catch((error: unknown) => error);
  const untilAtMs = 1_000 + ((refusal as CloudError).failure.retryAtMs ?? NaN);
  expect(told).toEqual([{ type: "list.asked" }, { type: "list.refused", untilAtMs }]);
  await faulty.list({}, AbortSignal.abort()).catch(() => {});
  expect(told.slice(2)).toEqual([{ type: "list.asked" }]);
});
