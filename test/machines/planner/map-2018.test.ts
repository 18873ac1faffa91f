import { expect } from "vitest";
import { World } from "./harness.ts";
import { describeScenarios, type Scenario, type Json } from "./scenarios.ts";

const RAM = 2 ** 30;
const TYPES = Object.fromEntries(
  [1, 2, 3].map((size) => [
    `type${size}`,
    {
      ProviderType: "",
      VCPUs: size,
      RAM: size * RAM * 2,
      Scratch: 0,
      Price: size,
      Preemptible: false,
    },
  ]),
);

/** The first version knew one type per container and counted instances; the same state in today's terms. */
function worldOf({ given }: Scenario): World {
  const containers = given.containers.map(({ uuid, priority, state, instance_type }: Json) => {
    const vcpus = Number(instance_type.replace("type", ""));
    return { uuid, priority, state, vcpus, ram: RAM };
  });
  const instances = Object.entries<number>(given.idle).flatMap(([type, count]) =>
    Array.from({ length: count }, (_, index) => ({
      instance: `i-${type}-${index}`,
      arvados_instance_type: type,
      worker_state: "idle",
    })),
  );
  const quota = given.at_quota ? instances.length : 1000;
  const pool = { instances, running: {}, quota, can_create: given.can_create };
  const config = { MaxInstances: 10, MaxRunningContainersPerInstance: 1 };
  return new World({ given: { containers, pool, config, instance_types: TYPES } });
}

/** Cases that we decide otherwise on purpose: what they assert is tested the other way round. */
const MENDED = new Set([
  // A refused create no longer counts as quota: nothing is shut down for it (specification §15, lesson 35).
  "2018.map.shutdown_at_quota.1",
]);

describeScenarios("2018.scheduler.map", (scenario) => {
  const world = worldOf(scenario);
  const { asserted } = scenario.then;
  // Locking is a pass of its own today, and a container that waits keeps its place.
  for (let pass = 0; pass < 3; pass++) world.runQueue();
  expect([...world.running.keys()].sort()).toEqual(asserted.running ?? []);
  if (MENDED.has(scenario.id)) {
    expect(world.shutdowns).toEqual([]);
    // Nor is one created: the throttle accepts none.
    expect(world.creates).toEqual([]);
    return;
  }
  if (asserted.shutdowns === ">0") expect(new Set(world.shutdowns).size).toBeGreaterThan(0);
  // Then one create per type and pass at most; today the next in line has the first say.
  expect(world.creates).toHaveLength(asserted.creates.length);
});
