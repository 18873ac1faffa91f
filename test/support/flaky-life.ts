import { appendFileSync } from "node:fs";
import { expect } from "vitest";
import type { Clock } from "../../src/actors/clock.ts";
import type { Journal } from "../../src/drivers/journal/port.ts";
import { Core } from "../../src/machines/core/core.ts";
import { replay } from "../../src/machines/core/replay.ts";
import { GOOD_VM } from "../../src/simulator/simulated-vm.ts";
import { FlakyFleet, type FlakyFleetOptions } from "./flaky-fleet.ts";
import { dispatcherConfig, instanceType } from "./settings.ts";

/** `given` of dispatcher.e2e and of its first version of 2018: spans as in the config, `10ms`. */
export interface FlakyScenario {
  readonly given: {
    readonly config: Readonly<Record<string, unknown>>;
    readonly driver?: { readonly ErrorRateCreate: number; readonly ErrorRateDestroy: number };
    readonly queue: string | { readonly n: number; readonly MaxDispatchAttempts: number };
  };
}

interface LifeOptions {
  readonly scenario: FlakyScenario;
  /** All spans are as many times as long as in the scenario, all rates as many times lower. */
  readonly scale: number;
  readonly seed: number;
  readonly containersCount: number;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Lets time pass until it is over; answers whether it was before `untilMs`. */
  readonly pass: (untilMs: number, isOver: () => boolean) => Promise<boolean>;
  readonly progressEveryMs: number;
  readonly emptyWithinMs: number;
  /** When as many containers are left, one call is answered with 503; 0: never. */
  readonly unavailableAt: number;
}

export interface LifeReport {
  readonly fleet: FlakyFleet;
  readonly series: ReadonlyMap<string, number>;
  /** On the clock that it ran on, until the last container had ended, and until the fleet was gone. */
  readonly endedAfterMs: number;
  readonly goneAfterMs: number;
  readonly completeCount: number;
  readonly cancelledCount: number;
  readonly records: number;
  readonly journalBytes: number;
}

/** Runs a scenario's queue to its end, and checks what holds for every such life. */
export async function liveFlakily(options: LifeOptions): Promise<LifeReport> {
  const { clock, journal, pass, scale, seed } = options;
  const fleet = new FlakyFleet(fleetOptions(options));
  applyFaults(fleet, options.scenario);
  const startMs = clock.nowMs();
  await started(fleet, options);
  const endedAfterMs = (await untilEnded(fleet, options)) - startMs;
  const emptyUntilMs = clock.nowMs() + options.emptyWithinMs * scale;
  const isEmpty = (): boolean => fleet.isEmpty && fleet.queueEntries === 0;
  const gone = await pass(emptyUntilMs, isEmpty);
  const left = `${fleet.cloud.instanceIds.length} instances, ${fleet.queueEntries} entries`;
  expect(gone, `seed ${seed}: still there after the end: ${left}`).toBe(true);
  const goneAfterMs = clock.nowMs() - startMs;
  const series = await fleet.series();
  await fleet.dispatcher.stop();
  expect(fleet.bugs).toEqual([]);
  expect([...fleet.twice]).toEqual([]);
  const states = { Complete: 0, Cancelled: 0 };
  for (const { record, startsCount, endsCount } of fleet.queue.containers.values()) {
    expect(startsCount).toBeLessThanOrEqual(1);
    expect(endsCount).toBe(1);
    states[record.state as keyof typeof states]++;
  }
  expect(states.Complete + states.Cancelled).toBe(options.containersCount);
  const { difference } = replay(new Core(journal.id), journal.read());
  expect(difference).toBeUndefined();
  const { records, bytes } = journal.stats();
  return {
    fleet,
    series,
    endedAfterMs,
    goneAfterMs,
    completeCount: states.Complete,
    cancelledCount: states.Cancelled,
    records,
    journalBytes: bytes,
  };
}

/** Appends a line of figures to the file that `LIFE_REPORT` names, if it does. */
export function reportLife(what: string, report: LifeReport, cpuSince: NodeJS.CpuUsage): void {
  const { LIFE_REPORT } = process.env;
  if (!LIFE_REPORT) return;
  const { fleet, completeCount, cancelledCount, endedAfterMs, goneAfterMs } = report;
  const { user, system } = process.cpuUsage(cpuSince);
  const figures = [
    `${completeCount} complete, ${cancelledCount} cancelled`,
    `all ended after ${Math.round(endedAfterMs)} ms, the fleet gone after ${Math.round(goneAfterMs)} ms`,
    `${fleet.cloud.createdCount} instances`,
    `${report.records} records in ${report.journalBytes} bytes`,
    `${Math.round((user + system) / 1000)} ms of CPU`,
  ];
  appendFileSync(LIFE_REPORT, `${what}: ${figures.join("; ")}\n`);
}

function fleetOptions(options: LifeOptions): FlakyFleetOptions {
  const { scenario, scale, seed, clock, journal, containersCount } = options;
  const { config, queue } = scenario.given;
  const ms = (key: string, otherwise: number): number => spanOf(config[key], otherwise) * scale;
  const number = (key: string): number => Number(config[key] ?? 0);
  const names = config["instance_types"] as string[];
  const types = names.map((name) => instanceType(Number(name.replace("type", ""))));
  const timeoutBootingMs = ms("TimeoutBooting", 0);
  let type4GoodAtMs: number | undefined;
  return {
    seed,
    clock,
    journal,
    containersCount,
    durationMaxMs: 10 * scale,
    maxDispatchAttempts: typeof queue === "string" ? 10 : queue.MaxDispatchAttempts,
    opsPerSecond: number("MaxCloudOpsPerSecond") / scale,
    minTimeBetweenCreatesMs: "stub_driver" in config ? scale : 0,
    config: dispatcherConfig({
      tagKeyPrefix: typeof config["TagKeyPrefix"] === "string" ? config["TagKeyPrefix"] : "",
      pollIntervalMs: ms("PollInterval", 0),
      probeIntervalMs: ms("ProbeInterval", 0),
      maxProbesPerSecond: number("MaxProbesPerSecond") / scale,
      syncIntervalMs: ms("SyncInterval", 0),
      checkpointRecords: 1_000,
      settings: {
        instanceTypes: Object.fromEntries(types.map((type) => [type.name, type])),
        maximumPriceFactor: number("MaximumPriceFactor") || 1.5,
        initialQuotaEstimate: number("InitialQuotaEstimate"),
        timeoutIdleMs: ms("TimeoutIdle", 0),
        timeoutBootingMs,
        timeoutProbeMs: ms("TimeoutProbe", 0),
        timeoutShutdownMs: ms("TimeoutShutdown", 0),
        timeoutSignalMs: ms("TimeoutSignal", 3),
        timeoutTermMs: ms("TimeoutTERM", 20),
        timeoutStaleRunLockMs: ms("TimeoutStaleRunLock", 3),
        staleLockTimeoutMs: ms("StaleLockTimeout", 0),
        // Our own, which the scenario does not know: of the same order as its spans.
        timeoutStartMs: 20 * scale,
        planIntervalMs: scale,
      },
    }),
    behaviorOf: ({ index, type, nowMs, chance }) => {
      const vm = {
        ...GOOD_VM,
        bootedAtMs: nowMs + chance.between(0, 5 * scale),
        detachDelayMs: chance.between(0, 10 * scale),
        crashProbability: 0.1,
        deadlockProbability: scenario.given.driver ? 0.5 : 0,
      };
      const isFirstVersion = scenario.given.driver === undefined;
      if (type.name === "type4" && !isFirstVersion) {
        type4GoodAtMs ??= nowMs + 2 * timeoutBootingMs;
        if (nowMs < type4GoodAtMs) return { ...vm, brokenFromMs: nowMs };
      }
      const kind = index % 7;
      if (kind === 0) return { ...vm, deafFromMs: nowMs + chance.between(0, 90 * scale) };
      if (kind === 1) return { ...vm, hasRunner: false };
      if (kind === 2 && !isFirstVersion)
        return { ...vm, brokenFromMs: nowMs + chance.between(0, 200 * scale) };
      return vm;
    },
  };
}

function applyFaults({ cloud }: FlakyFleet, { given }: FlakyScenario): void {
  if (!given.driver) return;
  cloud.createFailureProbability = given.driver.ErrorRateCreate;
  cloud.destroyFailureProbability = given.driver.ErrorRateDestroy;
  cloud.exhaustedTypes.add("providertype6");
  cloud.instancesMax = (
    given.config["stub_driver"] as { QuotaMaxInstances: number }
  ).QuotaMaxInstances;
}

async function started(fleet: FlakyFleet, { clock, pass }: LifeOptions): Promise<void> {
  let isUp = false;
  const starting = fleet.dispatcher.start().then(() => (isUp = true));
  await pass(clock.nowMs() + 60_000, () => isUp);
  await starting;
}

/** Returns the instant at which the last container had ended. */
async function untilEnded(fleet: FlakyFleet, options: LifeOptions): Promise<number> {
  const { clock, pass, scale, seed, progressEveryMs, unavailableAt } = options;
  let remaining = fleet.remaining;
  let lookAtMs = 0;
  let was503 = unavailableAt === 0;
  const hasProgressed = (): boolean => {
    // The clock may stand still over many steps of the dispatcher.
    if (clock.nowMs() < lookAtMs) return false;
    lookAtMs = clock.nowMs() + scale;
    fleet.lookForTwins();
    const now = fleet.remaining;
    if (!was503 && now <= unavailableAt) {
      was503 = true;
      fleet.queue.unavailableCalls = 1;
    }
    if (now === remaining) return false;
    remaining = now;
    return true;
  };
  while (remaining > 0) {
    const progressed = await pass(clock.nowMs() + progressEveryMs * scale, hasProgressed);
    expect(progressed, `seed ${seed}: no progress with ${remaining} containers left`).toBe(true);
  }
  return clock.nowMs();
}

function spanOf(value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise;
  return Number(typeof value === "string" ? value.replace("ms", "") : value);
}
