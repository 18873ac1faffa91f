import { expect } from "vitest";
import { countReleased } from "../../src/actors/journal-metrics.ts";
import { makeMemoryStore, openMemoryJournal } from "../../src/drivers/journal/memory.ts";
import { Core } from "../../src/machines/core/core.ts";
import { replay } from "../../src/machines/core/replay.ts";
import type { Settings } from "../../src/machines/model/settings.ts";
import type { Chance } from "../../src/simulator/chance.ts";
import { GOOD_VM } from "../../src/simulator/simulated-vm.ts";
import type { VmBehavior } from "../../src/simulator/simulated-vm.ts";
import { World } from "../../src/simulator/world.ts";
import { makeMetrics } from "../../src/telemetry/metrics.ts";
import { describeScenarios, type Scenario } from "../drivers/scenarios.ts";
import { openServer } from "../http/test-server.ts";
import { containerId, containerRecord } from "../support/containers.ts";
import { dispatcherConfig } from "../support/settings.ts";

const GIB = 2 ** 30;
const CONTAINERS_COUNT = 200;

/** Durations as in a config file: `10ms`, `2m`, 0. */
function ms(text: string | number): number {
  const [, amount = "0", unit = ""] = /^([\d.]+)(ms|s|m)$/.exec(String(text)) ?? [];
  return Number(amount) * ({ ms: 1, s: 1_000, m: 60_000 }[unit] ?? 0);
}

type Json = Record<string, string | number>;

interface VmOf {
  index: number;
  type: { name: string };
  nowMs: number;
  chance: Chance;
}

/** A world with the case's own time constants, and its 200 containers. */
function makeWorld(json: Json, behaviorOf: (vm: VmOf) => VmBehavior, changes: Partial<Settings>) {
  const store = makeMemoryStore("j1");
  const span = (key: string, otherwise = "5ms"): number => ms(json[key] ?? otherwise);
  const world = new World({
    seed: 1,
    config: dispatcherConfig({
      pollIntervalMs: span("PollInterval"),
      probeIntervalMs: span("ProbeInterval"),
      syncIntervalMs: span("SyncInterval"),
      maxProbesPerSecond: Number(json.MaxProbesPerSecond),
      checkpointRecords: 2_000,
      settings: {
        timeoutIdleMs: span("TimeoutIdle"),
        timeoutBootingMs: span("TimeoutBooting"),
        timeoutProbeMs: span("TimeoutProbe"),
        timeoutShutdownMs: span("TimeoutShutdown"),
        timeoutSignalMs: span("TimeoutSignal", "3ms"),
        timeoutStaleRunLockMs: span("TimeoutStaleRunLock", "3ms"),
        timeoutTermMs: span("TimeoutTERM", "20ms"),
        staleLockTimeoutMs: ms(json.StaleLockTimeout ?? 0),
        timeoutStartMs: 15,
        planIntervalMs: 1,
        ...changes,
      },
    }),
    openJournal: () => openMemoryJournal(store),
    behaviorOf,
    maxDispatchAttempts: 5,
    latencyMaxMs: 1,
  });
  for (let i = 0; i < CONTAINERS_COUNT; i++) {
    const record = containerRecord({
      priority: String((i % 20) + 1),
      ram: ((i % 3) + 1) * GIB,
      vcpus: (i % 8) + 1,
    });
    const durationMs = world.chance.between(0, 20);
    world.queue.submit(containerId(i + 1), { record, durationMs, exitCode: i % 4 });
  }
  return world;
}

/** Runs until every container has ended, then until nothing is left; what came of it, in virtual time. */
async function runAll(world: World, atEach: (leftCount: number) => void = () => {}) {
  const { clock, queue, cloud } = world;
  const startedAtMs = clock.nowMs();
  let leftCount = CONTAINERS_COUNT;
  let progressAtMs = startedAtMs;
  let longestPauseMs = 0;
  const twice: string[] = [];
  const look = (): void => {
    const running = cloud.vms().flatMap((vm) => vm.runningIds);
    twice.push(...running.filter((id, index) => running.indexOf(id) !== index));
    const left = [...queue.containers.values()].filter((one) => one.finishedAtMs === null).length;
    if (left === leftCount) return;
    leftCount = left;
    longestPauseMs = Math.max(longestPauseMs, clock.nowMs() - progressAtMs);
    progressAtMs = clock.nowMs();
    atEach(leftCount);
  };
  const allEnded = (): boolean => {
    look();
    return leftCount === 0;
  };
  const nothingLeft = (): boolean =>
    cloud.instanceIds.length === 0 &&
    world.dispatcher?.supervisor.readModel.count("worker") === 0 &&
    world.dispatcher.supervisor.readModel.count("container") === 0;
  const ended = await clock.run({ untilMs: startedAtMs + 600_000, done: allEnded });
  const endedAfterMs = clock.nowMs() - startedAtMs;
  const cleared = await clock.run({ untilMs: clock.nowMs() + 600_000, done: nothingLeft });
  const clearedAfterMs = clock.nowMs() - startedAtMs - endedAfterMs;
  expect([world.bugs, twice, ended, cleared]).toEqual([[], [], true, true]);
  for (const { startsCount, endsCount } of queue.containers.values()) {
    expect(startsCount).toBeLessThanOrEqual(1);
    expect(endsCount).toBe(1);
  }
  return { endedAfterMs, clearedAfterMs, longestPauseMs };
}

/** The journal of a run comes to the same state, commands and decisions, from wherever it is replayed. */
async function expectReplay(world: World): Promise<void> {
  await world.dispatcher?.stop();
  const { journal } = world;
  if (!journal) throw new Error("the world was never started");
  const last = journal.checkpoint();
  expect(last?.seq).toBe(journal.lastSeq);
  for (const seq of [0, ...journal.checkpointSeqs()]) {
    const { state } = (seq > 0 && journal.checkpoint({ atOrBeforeSeq: seq })) || { state: "" };
    const from = state === "" ? new Core(journal.id) : Core.restore(state);
    const { core, difference } = replay(from, journal.read({ fromSeq: from.seq + 1 }));
    expect([seq, difference]).toEqual([seq, undefined]);
    expect(core.store()).toBe(last?.state);
  }
}

function flaky(
  { index, nowMs, chance }: VmOf,
  spansMs: { deaf: number; broken: number },
): VmBehavior {
  const vm = {
    ...GOOD_VM,
    bootedAtMs: nowMs + chance.between(0, 5),
    detachDelayMs: chance.between(0, 10),
  };
  if (index % 7 === 0) return { ...vm, deafFromMs: nowMs + chance.between(0, spansMs.deaf) };
  if (index % 7 === 1) return { ...vm, hasRunner: false };
  if (index % 7 === 2 && spansMs.broken > 0)
    return { ...vm, brokenFromMs: nowMs + chance.between(0, spansMs.broken) };
  return {
    ...vm,
    crashProbability: 0.1,
    deadlockProbability: spansMs.broken > 0 ? 0.1 : 0,
  };
}

async function chaos({ given, then }: Scenario): Promise<void> {
  const { config, driver } = given;
  const brokenForMs = 2 * ms(config.TimeoutBooting);
  let firstType4AtMs: number | undefined;
  const behaviorOf = (vm: VmOf): VmBehavior => {
    const behavior = flaky(vm, { deaf: 90, broken: 200 });
    if (vm.type.name !== "type4") return behavior;
    firstType4AtMs ??= vm.nowMs;
    return vm.nowMs < firstType4AtMs + brokenForMs
      ? { ...behavior, brokenFromMs: vm.nowMs }
      : behavior;
  };
  const world = makeWorld(config, behaviorOf, {
    maximumPriceFactor: config.MaximumPriceFactor,
    initialQuotaEstimate: config.InitialQuotaEstimate,
    maxInstances: config.MaxInstances,
  });
  const { cloud, queue } = world;
  cloud.exhaustedTypes.add("providertype6");
  cloud.createFailureProbability = driver.ErrorRateCreate;
  cloud.destroyFailureProbability = driver.ErrorRateDestroy;
  cloud.instancesMax = config.stub_driver.QuotaMaxInstances;
  const metrics = makeMetrics(
    { version: "", configSha256: "", configSourceAtMs: 0, configLoadedAtMs: 0 },
    () => {
      throw new Error("nobody reads the gauges here");
    },
  );
  await world.start();
  const supervisor = world.dispatcher?.supervisor;
  supervisor?.released.subscribe((released) =>
    countReleased(metrics, supervisor.readModel, released),
  );
  let saw503 = false;
  const { endedAfterMs, clearedAfterMs, longestPauseMs } = await runAll(world, (leftCount) => {
    if (saw503 || leftCount > 100) return;
    saw503 = true;
    queue.unavailableCalls = 1;
  });
  const { asserted } = then;
  expect(longestPauseMs).toBeLessThanOrEqual(asserted.progress_at_least_every_s * 1_000);
  expect(clearedAfterMs).toBeLessThanOrEqual(5_000);
  expect(endedAfterMs).toBeGreaterThan(0);

  // Of the metrics that need no cloud driver of ours: the simulated cloud has neither wrapper nor list errors.
  const failed = (pattern: RegExp): boolean =>
    [...world.failures.keys()].some((key) => pattern.test(key));
  expect(failed(/^instance.create: no capacity for providertype6/)).toBe(
    asserted.capacity_errors_nonzero,
  );
  expect(failed(/^instance.create: simulated failure/)).toBe(true);
  expect(cloud.createdCount).toBeGreaterThan(0);
  const { pool, scheduler } = metrics;
  const outcomes = await pool.bootOutcomes.get();
  const count = (outcome: string): number =>
    outcomes.values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
  expect(count("success")).toBeGreaterThan(0);
  expect(count("failure")).toBeGreaterThan(0);
  const gone = await pool.disappeared.get();
  const goneIn = (state: string): number =>
    gone.values.find(({ labels }) => labels.state === state)?.value ?? 0;
  expect(goneIn("shutdown")).toBeGreaterThan(0);
  expect(goneIn("unknown")).toBe(0);
  for (const summary of [
    pool.timeToSsh,
    pool.timeToReady,
    pool.timeToGone,
    scheduler.queueToCrunchRun,
  ])
    expect((await summary.get()).values.length).toBeGreaterThan(0);
  expect(queue.last503AtMs()).toBeGreaterThan(0);
  const { limits } = replay(new Core("j1"), world.journal?.read() ?? []).core;
  expect(limits?.maxContainers).toBeGreaterThan(0);
  await expectReplay(world);
}

describeScenarios("dispatcher.e2e.json", { runs: { "arv.disp.chaos": chaos } });

describeScenarios("2018.dispatcher.json", {
  runs: {
    "2018.disp.stub_driver": async ({ given, then }) => {
      const behaviorOf = (vm: VmOf): VmBehavior => flaky(vm, { deaf: 90, broken: 0 });
      const world = makeWorld(given.config, behaviorOf, {});
      await world.start();
      const { endedAfterMs, clearedAfterMs } = await runAll(world);
      expect(endedAfterMs).toBeLessThanOrEqual(then.asserted.within_s * 1_000);
      expect(clearedAfterMs).toBeLessThanOrEqual(then.asserted.then_within_s * 1_000);
      await expectReplay(world);
    },
    "2018.disp.instances_api": async ({ given, then }) => {
      const path = "/arvados/v1/dispatch/instances";
      // Without a token it was open to everybody: a defect (specification §16), closed since.
      const open = await openServer(undefined, { managementToken: given.ManagementToken });
      expect((await open.ask("GET", path, { token: "none" })).status).toBe(403);
      const { builder, ask } = await openServer();
      const list = async () => JSON.parse((await ask("GET", path)).text).items as object[] | null;
      expect((await list()) ?? []).toHaveLength(then.asserted.items_before);
      builder.container(containerId(1), { state: "Locked" }).plan();
      builder.createEnds("lame-1");
      // Members have been in snake_case since 2018, and the types are those of these tests.
      const [{ Instance, WorkerState, LastContainerUUID }] = then.asserted.items;
      expect(await list()).toEqual([
        expect.objectContaining({
          instance: expect.stringMatching(Instance.replace("regex ", "")),
          worker_state: WorkerState,
          last_container_uuid: LastContainerUUID,
          price: 0.123,
          arvados_instance_type: "type1",
          provider_instance_type: "providertype1",
        }),
      ]);
    },
  },
});
