import { expect } from "vitest";
import { longestWaitMs } from "../../../src/machines/planner/longest-wait.ts";
import { statusesOf, World } from "./harness.ts";
import { describeScenarios, type Scenario, type Json } from "./scenarios.ts";

/** Cases whose outcome we changed on purpose, with the reason. */
const MENDED: Record<string, (world: World) => void> = {
  // At quota the original limits containers to the number of instances, even where they fit on those (specification §16.3).
  "drv.rq.at_quota_blocks_packing": (world) => {
    const result = world.runQueue();
    expect(world.starts.at(-1)).toBe("zzzzz-dz642-000000000000004");
    expect(world.starts).toHaveLength(4);
    expect(result.limits.maxContainers).toBe(2);
    expect(result.waiting.statuses().every(({ reason }) => reason === "preparing")).toBe(true);
  },
};

/** Cases of several passes. */
const STEPS: Record<string, (world: World, steps: Json[]) => void> = {
  "three runQueue passes; between 2 and 3 instance i-0000002 becomes idle": (world, steps) => {
    for (const [index, { asserted, derived }] of steps.entries()) {
      const second = world.workers.find(({ workerId }) => workerId === "i-0000002");
      if (index === 2 && second) second.state = "idle";
      const before = world.view();
      const result = world.runQueue();
      expect(world.creates).toHaveLength(asserted.creates_count);
      expect(world.starts).toEqual(asserted.starts);
      expect(statusesOf(result, before)).toEqual(derived.statuses);
    }
  },
  "runQueue; all booting instances become idle; runQueue": (world, [first, second]) => {
    const before = world.view();
    const result = world.runQueue();
    expect(world.creates).toEqual(first.asserted.creates);
    expect(world.starts).toEqual(first.asserted.starts);
    if (first.derived) expect(statusesOf(result, before)).toEqual(first.derived.statuses);
    world.bootAll();
    world.runQueue();
    if (second.derived) expect(world.starts).toEqual(second.derived.starts);
    const running = (key: "instanceType" | "workerId") =>
      Object.fromEntries(world.workers.map((worker) => [worker[key], worker.containerIds]));
    const { running_by_instance_type, running_by_instance } = second.asserted;
    if (running_by_instance_type) expect(running("instanceType")).toEqual(running_by_instance_type);
    if (running_by_instance) expect(running("workerId")).toEqual(running_by_instance);
  },
  "30 times: runQueue; sync; wait 1ms (locks are asynchronous)": (world) => {
    for (let pass = 0; pass < 30; pass++) {
      world.runQueue();
      world.sync();
    }
  },
};

function checkAsserted(world: World, asserted: Json) {
  if (asserted.creates) expect(world.creates).toEqual(asserted.creates);
  if (asserted.starts) expect(world.starts).toEqual(asserted.starts);
  if (asserted.running) expect([...world.running.keys()]).toEqual(asserted.running);
  if (asserted.state_changes) expect(world.changes).toEqual(asserted.state_changes);
  if ("creates_count" in asserted) expect(world.creates).toHaveLength(asserted.creates_count);
  if ("starts_count" in asserted) expect(world.starts).toHaveLength(asserted.starts_count);
  if ("shutdown_count" in asserted) expect(world.shutdowns).toHaveLength(asserted.shutdown_count);
  if (asserted.each_uuid_unlocked_at_most_once) {
    const unlocked = world.changes.filter(({ to }) => to === "Queued").map(({ uuid }) => uuid);
    expect(unlocked).toEqual([...new Set(unlocked)]);
  }
}

function checkOnePass(world: World, { when, then }: Scenario) {
  const syncs = when.includes("sync");
  if (syncs) expect(world.sync()).toEqual([]);
  const before = world.view();
  const result = world.runQueue();
  const { limits, metrics } = result;
  const { derived } = then;
  expect(world.events).toEqual(derived.new_events_in_order);
  expect(statusesOf(result, before)).toEqual(derived.statuses_in_queue_order);
  expect(limits.maxContainers).toBe(derived.max_containers_after);
  expect(metrics).toEqual({
    containersAllocatedNotStarted: derived.containers_allocated_not_started,
    containersNotAllocatedOverQuota: derived.containers_not_allocated_over_quota,
    maxSupervisors: derived.max_supervisors,
  });
  if (syncs) expect(world.sync()).toEqual([]);
}

function check(scenario: Scenario) {
  const world = new World(scenario);
  const { given, then, when, id } = scenario;
  for (const { containerId, instanceTypes } of world.containers) {
    expect(instanceTypes).toEqual(given.eligible_types[containerId]);
  }
  const mended = MENDED[id];
  if (mended) return mended(world);
  const steps = STEPS[when];
  if (steps) steps(world, then.steps);
  else checkOnePass(world, scenario);
  if (then.asserted) checkAsserted(world, then.asserted);
  if (steps && then.derived) {
    expect(world.events).toEqual(then.derived.new_events_in_order);
    const before = world.view();
    const last = world.runQueue();
    expect(statusesOf(last, before)).toEqual(then.derived.statuses_in_queue_order);
    expect(last.limits.maxContainers).toBe(then.derived.max_containers_after);
  }
}

describeScenarios("scheduler.runQueue", check);

describeScenarios("scheduler.metrics", (scenario) => {
  const world = new World(scenario);
  checkOnePass(world, scenario);
  const { asserted } = scenario.then;
  expect(longestWaitMs(world.view()) / 1000).toBe(asserted.containers_longest_wait_time_seconds);
});
