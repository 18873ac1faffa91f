import { makeMemoryStore, openMemoryJournal } from "../../../src/drivers/journal/memory.ts";
import type { FactInput } from "../../../src/machines/model/fact.ts";
import type { WorkerSnapshot } from "../../../src/machines/worker/worker.machine.ts";
import { NO_GPU, type InstanceType } from "../../../src/machines/model/instance-type.ts";
import { chanceFor } from "../../../src/simulator/chance.ts";
import { GOOD_VM, type VmBehavior } from "../../../src/simulator/simulated-vm.ts";
import { World } from "../../../src/simulator/world.ts";
import { generateWorkload, type Workload } from "../../../src/simulator/workload.ts";
import { dispatcherConfig } from "../settings.ts";
import { writeJournalFile } from "./to-file.ts";

const GIB = 2 ** 30;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SEED = 7;
/** Of the night's journal; ids of its workers begin with it. */
export const NIGHT_ID = "n1ght";
/** When the night begins: 2026-01-01T00:00:00Z. */
export const NIGHT_START_MS = 1_767_225_600_000;
export const NIGHT_HOURS = 5;

const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

export interface NightOptions {
  /** What operators and clouds say is markup that would run if it were taken for more than text. */
  readonly hostile?: boolean;
}

/** Whom an operator holds in the night, and which container one kills. */
export interface NightNames {
  readonly heldWorker: string;
  readonly killedContainer: string;
}

/**
 * A night of a small cluster, the same for the same code: some 300 containers on some 50 workers of four types, with a
 * quota and a capacity error, workers that do not boot, one that the cloud takes back, a process that cannot be killed, an
 * operator who holds, drains and kills, an API that answers 503, and a restart of the dispatcher.
 */
export async function writeNightJournal(
  path: string,
  options: NightOptions = {},
): Promise<NightNames> {
  const store = makeMemoryStore(NIGHT_ID);
  const vms = chanceFor(SEED, "night's vms");
  const world = new World({
    seed: SEED,
    config: nightConfig(),
    openJournal: () => openMemoryJournal(store, { checkpointsKept: 1_000 }),
    behaviorOf: ({ index, nowMs }) => behaviorOf(index, nowMs, vms.between(40_000, 150_000)),
    latencyMaxMs: 400,
  });
  keepWholeMs(world);
  world.cloud.createTimeMs = () => vms.between(2_000, 9_000);
  submitAll(world, nightWorkload());
  const night = new Night(world, options.hostile === true);
  night.begin();
  await world.start();
  await world.clock.run({ untilMs: NIGHT_START_MS + 130 * MINUTE_MS });
  await world.kill();
  await world.clock.run({ untilMs: world.clock.nowMs() + 20_000 });
  await world.start();
  await world.clock.run({ untilMs: NIGHT_START_MS + NIGHT_HOURS * HOUR_MS });
  if (world.bugs.length > 0) throw world.bugs[0];
  const stopped = world.dispatcher?.stop();
  await world.clock.run({ untilMs: world.clock.nowMs() + MINUTE_MS });
  await stopped;
  await world.kill();
  await writeJournalFile(store, path);
  return night.names;
}

/** A machine's clock has whole milliseconds, and what waits for a fraction of one is seen at the next. */
function keepWholeMs({ clock }: World): void {
  const setTimer = clock.setTimer.bind(clock);
  clock.setTimer = (delayMs, callback) => setTimer(Math.ceil(delayMs), callback);
}

function nightConfig() {
  const types = [
    typeOf("small", { vcpus: 2, ramGib: 8, price: 0.1 }),
    typeOf("medium", { vcpus: 8, ramGib: 32, price: 0.4 }),
    typeOf("medium.spot", { vcpus: 8, ramGib: 32, price: 0.13, preemptible: true }),
    typeOf("large", { vcpus: 32, ramGib: 128, price: 1.6 }),
  ];
  return dispatcherConfig({
    version: "0.1.0",
    checkpointRecords: 500,
    maxProbesPerSecond: 20,
    settings: {
      instanceTypes: Object.fromEntries(types.map((type) => [type.name, type])),
      maxInstances: 40,
      maxConcurrentInstanceCreateOps: 6,
      maxRunningContainersPerInstance: 4,
      maximumPriceFactor: 1.5,
      timeoutIdleMs: 4 * MINUTE_MS,
      timeoutBootingMs: 8 * MINUTE_MS,
      timeoutProbeMs: 5 * MINUTE_MS,
      planIntervalMs: 1_000,
    },
  });
}

function typeOf(
  name: string,
  size: { vcpus: number; ramGib: number; price: number; preemptible?: boolean },
): InstanceType {
  const { vcpus, ramGib, price, preemptible = false } = size;
  return {
    name,
    providerType: `vm.${name}`,
    vcpus,
    ram: ramGib * GIB,
    includedScratch: vcpus * 20 * GIB,
    addedScratch: 0,
    scratch: vcpus * 20 * GIB,
    price,
    preemptible,
    gpu: NO_GPU,
  };
}

function nightWorkload(): Workload {
  const size = { scratch: 10 * GIB, preemptible: false, priority: 500 };
  const made = generateWorkload(
    {
      forMs: 4 * HOUR_MS,
      perHour: 75,
      duration: { p50Ms: 9 * MINUTE_MS, p95Ms: 55 * MINUTE_MS },
      season: { periodMs: 2 * HOUR_MS, amplitude: 0.9 },
      sizes: [
        { ...size, weight: 5, vcpus: 2, ram: 5 * GIB },
        { ...size, weight: 3, vcpus: 8, ram: 20 * GIB, priority: 700 },
        { ...size, weight: 2, vcpus: 6, ram: 20 * GIB, preemptible: true, priority: 300 },
        { ...size, weight: 1, vcpus: 24, ram: 100 * GIB, priority: 900 },
      ],
      bootTime: { leastMs: 40_000, mostMs: 150_000 },
    },
    SEED,
  );
  const jobs = made.jobs.map((job, n) => (n % 60 === 31 ? givenUp(job) : job));
  const misfit = jobs[40];
  // Nothing that is configured is large enough for it.
  if (misfit) jobs[40] = { ...misfit, record: { ...misfit.record, vcpus: 512 } };
  return { ...made, jobs };
}

function givenUp(job: Workload["jobs"][number]): Workload["jobs"][number] {
  return { ...job, cancelAtMs: job.submitAtMs + 6 * MINUTE_MS };
}

function submitAll({ clock, queue }: World, { jobs }: Workload): void {
  for (const { submitAtMs, containerId, record, durationMs, cancelAtMs } of jobs) {
    clock.setTimer(submitAtMs, () => {
      const createdAtMs = clock.nowMs();
      queue.submit(containerId, { record: { ...record, createdAtMs }, durationMs, exitCode: 0 });
    });
    if (cancelAtMs === undefined) continue;
    clock.setTimer(cancelAtMs, () => queue.setPriority(containerId, "0"));
  }
}

/** By the order of creation. */
function behaviorOf(index: number, nowMs: number, bootMs: number): VmBehavior {
  const behavior: VmBehavior = { ...GOOD_VM, bootedAtMs: nowMs + bootMs, detachDelayMs: 300 };
  if (index === 6 || index === 19) behavior.bootedAtMs = Infinity;
  if (index === 9) behavior.bootedAtMs = nowMs + 7 * MINUTE_MS;
  if (index === 12) behavior.unfitFromMs = nowMs;
  if (index === 15) {
    behavior.deafFromMs = nowMs + 10 * MINUTE_MS;
    behavior.deafUntilMs = nowMs + 13 * MINUTE_MS;
  }
  if (index === 22) behavior.brokenFromMs = nowMs + 9 * MINUTE_MS;
  if (index === 27) behavior.crashProbability = 0.6;
  return behavior;
}

/** What befalls it besides its work, by the clock. */
class Night {
  readonly #world: World;
  readonly #hostile: boolean;
  #heldWorker = "";
  #killedContainer = "";

  constructor(world: World, hostile: boolean) {
    this.#world = world;
    this.#hostile = hostile;
  }

  get names(): NightNames {
    return { heldWorker: this.#heldWorker, killedContainer: this.#killedContainer };
  }

  begin(): void {
    const { cloud, queue } = this.#world;
    this.#at(38, () => (cloud.instancesMax = 12));
    this.#at(58, () => (cloud.instancesMax = Infinity));
    this.#at(62, () => (queue.unavailableCalls = 4));
    this.#at(70, () => cloud.exhaustedTypes.add("vm.large"));
    this.#at(95, () => cloud.exhaustedTypes.delete("vm.large"));
    this.#at(50, () => (this.#heldWorker = this.#behave("hold", "a look at its disk")));
    this.#at(118, () => this.#free("hold"));
    this.#at(75, () => this.#takeBackASpot());
    this.#at(84, () => this.#killStubborn());
    this.#at(105, () => this.#behave("drain", "its host is to be rebooted"));
  }

  #at(minutes: number, happens: () => void): void {
    this.#world.clock.setTimer(minutes * MINUTE_MS, happens);
  }

  #said(text: string): string {
    return this.#hostile ? `${text} ${HOSTILE}` : text;
  }

  #submit(fact: FactInput): void {
    void this.#world.dispatcher?.supervisor.submit(fact);
  }

  #workers(): WorkerSnapshot[] {
    return [...(this.#world.dispatcher?.supervisor.readModel.all("worker") ?? [])];
  }

  #busy(): WorkerSnapshot | undefined {
    return this.#workers().find(
      ({ value }) => value.lifecycle === "running" && value.idleBehavior === "run",
    );
  }

  #behave(behavior: "hold" | "drain", reason: string): string {
    const workerId = this.#busy()?.context.workerId;
    if (workerId === undefined) throw new Error(`the night has no busy worker to ${behavior}`);
    this.#submit({ type: "behavior.requested", workerId, behavior, reason: this.#said(reason) });
    return workerId;
  }

  #free(behavior: "hold"): void {
    for (const { context, value } of this.#workers()) {
      if (value.idleBehavior !== behavior) continue;
      const { workerId } = context;
      this.#submit({
        type: "behavior.requested",
        workerId,
        behavior: "run",
        reason: this.#said("the look is over"),
      });
    }
  }

  #takeBackASpot(): void {
    const spot = this.#workers().find(
      ({ value, context }) =>
        value.lifecycle === "running" && context.instanceType === "medium.spot",
    );
    if (!spot) throw new Error("the night has no spot instance to take back");
    this.#world.cloud.kill(spot.context.instanceId);
  }

  /** An operator ends what a busy worker runs; its runner ignores that. */
  #killStubborn(): void {
    const { cloud } = this.#world;
    const instanceId = this.#busy()?.context.instanceId ?? "";
    const vm = cloud.vm(instanceId);
    const containerId = vm?.begunIds[0];
    if (!vm || containerId === undefined) throw new Error("the night has nothing to kill");
    vm.behavior.stubborn = true;
    this.#killedContainer = containerId;
    const reason = this.#said("it was started with the wrong input");
    this.#submit({ type: "kill.requested", containerId, reason });
  }
}
