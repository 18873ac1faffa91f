import { makeMemoryStore, openMemoryJournal } from "./src/drivers/journal/memory.ts";
import { World } from "./src/simulator/world.ts";
import { GOOD_VM } from "./src/simulator/simulated-vm.ts";
import { containerId, containerRecord } from "./test/support/containers.ts";
import { dispatcherConfig } from "./test/support/settings.ts";
async function main() {
  const t0 = performance.now();
  const store = makeMemoryStore("j1");
  const world = new World({ seed: 1,
    config: dispatcherConfig({ settings: { maxInstances: 10, timeoutBootingMs: 120_000, timeoutProbeMs: 60_000 } }),
    openJournal: () => openMemoryJournal(store),
    behaviorOf: ({ index, nowMs, chance }) => { const vm = { ...GOOD_VM, bootedAtMs: nowMs + chance.between(0, 60_000), detachDelayMs: chance.between(0, 1000), crashProbability: 0.1, deadlockProbability: 0.1 };
      if (index % 7 === 0) return { ...vm, deafFromMs: nowMs + chance.between(0, 900_000) };
      if (index % 7 === 1) return { ...vm, hasRunner: false };
      if (index % 7 === 2) return { ...vm, brokenFromMs: nowMs + chance.between(0, 900_000) };
      return vm; }, latencyMaxMs: 500 });
  world.cloud.createFailureProbability = 0.1; world.cloud.destroyFailureProbability = 0.1; world.cloud.instancesMax = 8; world.cloud.exhaustedTypes.add("providertype6");
  for (let n = 1; n <= 60; n++) world.queue.submit(containerId(n), { record: containerRecord({ vcpus: (n % 8) + 1, priority: String((n % 20) + 1) }), durationMs: world.chance.between(1000, 300_000), exitCode: 0 });
  await world.start();
  let timers = 0;
  const over = () => { timers++; return [...world.queue.containers.values()].every(({ record }) => ["Complete", "Cancelled"].includes(record.state)) && world.cloud.instanceIds.length === 0 && world.dispatcher?.supervisor.readModel.count("worker") === 0; };
  const ended = await world.clock.run({ untilMs: world.clock.nowMs() + 24 * 3_600_000, done: over });
  console.log({ ended, timers, seq: world.journal!.lastSeq, bugs: world.bugs, virtualMin: (world.clock.nowMs() - 1_767_225_600_000) / 60000, ms: performance.now() - t0 });
}
await main(); await main(); await main();
