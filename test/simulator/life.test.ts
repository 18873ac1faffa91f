import { describe, expect, it } from "vitest";
import { makeMemoryStore, openMemoryJournal } from "../../src/drivers/journal/memory.ts";
import { Core } from "../../src/machines/core/core.ts";
import { replay } from "../../src/machines/core/replay.ts";
import { GOOD_VM } from "../../src/simulator/simulated-vm.ts";
import { World } from "../../src/simulator/world.ts";
import { containerId, containerRecord } from "../support/containers.ts";
import { dispatcherConfig } from "../support/settings.ts";

const MINUTE_MS = 60_000;

describe("the life of a batch", () => {
  it("runs every container once, then gives every worker back", async () => {
    const store = makeMemoryStore("j1");
    const world = new World({
      seed: 1,
      config: dispatcherConfig({ settings: { maxInstances: 5 } }),
      openJournal: () => openMemoryJournal(store),
      behaviorOf: ({ nowMs }) => ({ ...GOOD_VM, bootedAtMs: nowMs + 30_000 }),
      latencyMaxMs: 50,
    });
    for (let n = 1; n <= 20; n++) {
      const record = containerRecord({ vcpus: (n % 4) + 1, priority: String(n) });
      world.queue.submit(containerId(n), { record, durationMs: 60_000, exitCode: 0 });
    }
    await world.start();
    const { clock, queue, cloud } = world;
    const over = (): boolean =>
      [...queue.containers.values()].every(({ record }) => record.state === "Complete") &&
      cloud.instanceIds.length === 0 &&
      world.dispatcher?.supervisor.readModel.count("worker") === 0;
    const ended = await clock.run({ untilMs: clock.nowMs() + 60 * MINUTE_MS, done: over });
    expect(world.bugs).toEqual([]);
    expect([...world.failures]).toEqual([]);
    expect(ended).toBe(true);
    for (const { startsCount, endsCount } of queue.containers.values()) {
      expect(startsCount).toBe(1);
      expect(endsCount).toBe(1);
    }
    await world.dispatcher?.stop();
    const journal = world.journal!;
    const { difference, core } = replay(new Core(journal.id), journal.read());
    expect(difference).toBeUndefined();
    expect(core.store()).toBe(journal.checkpoint()?.state);
  });
});
