import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSystemClock } from "../../src/actors/clock.ts";
import { Supervisor } from "../../src/actors/supervisor.ts";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import { Core } from "../../src/machines/core/core.ts";
import { fold, replay } from "../../src/machines/core/replay.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { settings } from "../support/settings.ts";
import { BusyFleet } from "./busy-fleet.ts";
import type { FleetOptions } from "./busy-fleet.ts";
import type { BenchOptions, Figure } from "./figure.ts";

const FLEET: FleetOptions = { jobs: 10_000, liveMax: 2_000 };
const QUICK_FLEET: FleetOptions = { jobs: 1_000, liveMax: 500 };
const ACTORS_COUNT = 10_000;
const HEAP_ARGUMENT = "core-bench-heap";

/** The whole loop on one thread: machines, planner, journal on disk with fsync; then the same records folded again. */
export async function run({ quick }: BenchOptions): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "core-bench-"));
  const path = join(folder, "journal.db");
  try {
    return [
      ...(await endToEnd(path, quick ? QUICK_FLEET : FLEET)),
      ...(await refolded(path)),
      ...(await heapFigures(quick)),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function fail(error: unknown): never {
  throw error;
}

async function endToEnd(path: string, options: FleetOptions): Promise<Figure[]> {
  const journal = openJournal({ path, mode: "write", nowMs: Date.now, ballastBytes: 0 });
  const plansMs: number[] = [];
  let factsCount = 0;
  const supervisor: Supervisor = new Supervisor({
    core: new Core(journal.id),
    journal,
    clock: makeSystemClock(),
    watermarks: {
      answeredAtMs: () => Date.now(),
      polledSeq: () => fleet.polledSeq,
      answeredSeq: () => 0,
      seen503AtMs: () => null,
    },
    observer: {
      factTaken: () => factsCount++,
      factDropped: (type) => fail(new Error(`${type} was dropped`)),
      plannerRan: (durationMs) => plansMs.push(durationMs),
      commitFailed: fail,
      commitsRecovered: () => {},
      broke: fail,
    },
    checkpointRecords: 10_000,
    defer: (flush) => void setImmediate(flush),
    stopwatchMs: () => performance.now(),
  });
  const fleet = new BusyFleet(supervisor, options);
  void supervisor.submit({ type: "config.loaded", hash: "", settings: settings() });
  void supervisor.submit({ type: "daemon.started", version: "bench", journalId: journal.id });
  await supervisor.submit({ type: "lease.acquired" });
  const stop = stopwatch();
  fleet.start();
  await fleet.finished;
  const { seconds, cpuSeconds } = stop();
  await supervisor.stop();
  await journal.close();
  const planSeconds = plansMs.reduce((sum, ms) => sum + ms, 0) / 1_000;
  return [
    { name: "core: end to end", value: factsCount / seconds, unit: "facts/s", limit: 10_000 },
    { name: "core: the same, by CPU time", value: factsCount / cpuSeconds, unit: "facts/s" },
    { name: "core: of it in the planner", value: (100 * planSeconds) / seconds, unit: "%" },
  ];
}

/** Deciding everything anew, as `replay` does, and with the recorded decisions, as a restart does. */
async function refolded(path: string): Promise<Figure[]> {
  const journal = openJournal({ path, mode: "read", nowMs: Date.now });
  const stopReplay = stopwatch();
  const { recordsCount, difference } = replay(new Core(journal.id), journal.read());
  const replayed = stopReplay();
  if (difference) throw new Error(`the replay differs: ${JSON.stringify(difference)}`);
  const stopFold = stopwatch();
  fold(new Core(journal.id), journal.read());
  const folded = stopFold();
  await journal.close();
  const unit = "records/s";
  return [
    { name: "core: replay", value: recordsCount / replayed.seconds, unit, limit: 40_000 },
    { name: "core: the same, by CPU time", value: recordsCount / replayed.cpuSeconds, unit },
    { name: "core: restart", value: recordsCount / folded.seconds, unit, limit: 40_000 },
    { name: "core: the same, by CPU time", value: recordsCount / folded.cpuSeconds, unit },
  ];
}

/** The CPU time tells more than the clock where other programs run at the same time. */
function stopwatch(): () => { seconds: number; cpuSeconds: number } {
  const beganMs = performance.now();
  const cpuBegan = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpuBegan);
    return { seconds: (performance.now() - beganMs) / 1_000, cpuSeconds: (user + system) / 1e6 };
  };
}

/** In a process of its own, that collects its garbage when it is told to. */
async function heapFigures(quick: boolean): Promise<Figure[]> {
  const execArgv = [...process.execArgv, "--expose-gc"];
  const child = fork(fileURLToPath(import.meta.url), [HEAP_ARGUMENT, quick ? "quick" : ""], {
    execArgv,
  });
  const [figures] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => fail(new Error(`the child ended with ${String(code)}`))),
  ])) as [Figure[]];
  return figures;
}

/** Everything that the daemon keeps of an actor: core, planner's index and read model. */
function measureHeap(quick: boolean): Figure[] {
  const unit = "bytes";
  const quiet = { maxInstances: 1, timeoutIdleMs: 3_600_000 };
  const queue = new CoreBuilder(quiet).dispatching();
  const perContainer = heapPerActor(() => {
    for (let n = 0; n < ACTORS_COUNT; n++) queue.container(containerId(n));
    queue.plan();
  });
  const fleet = new CoreBuilder(quiet).dispatching();
  const perWorker = heapPerActor(() => {
    for (let n = 0; n < ACTORS_COUNT; n++) fleet.instance(`i-${n}`, "type1");
    fleet.plan();
  });
  if (queue.readModel.count("container") !== ACTORS_COUNT)
    throw new Error("containers are missing");
  if (fleet.readModel.count("worker") !== ACTORS_COUNT) throw new Error("workers are missing");
  return [
    { name: "core: heap of a waiting container", value: perContainer, unit, limit: 2_048 },
    { name: "core: heap of an idle worker", value: perWorker, unit, limit: 2_048 },
    ...(quick ? [] : [largeHeap()]),
  ];
}

/** As a daemon has it: core, planner's index and read model, and no records. */
function largeHeap(): Figure {
  const [containersCount, workersCount] = [100_000, 5_000];
  const quiet = { maxInstances: 1, timeoutIdleMs: 3_600_000 };
  const builder = new CoreBuilder(quiet).dispatching();
  const bytes = heapOf(() => {
    for (let n = 0; n < workersCount; n++) builder.instance(`i-${n}`, "type1");
    for (let n = 0; n < containersCount; n++) {
      builder.container(containerId(n));
      builder.journaled.length = 0;
    }
    builder.plan();
    builder.journaled.length = 0;
  });
  if (builder.readModel.count("container") !== containersCount)
    throw new Error("containers are missing");
  const name = "core: heap of 100,000 containers and 5,000 workers";
  return { name, value: bytes / 2 ** 20, unit: "MB", limit: 205 };
}

function heapPerActor(make: () => void): number {
  return heapOf(make) / ACTORS_COUNT;
}

function heapOf(make: () => void): number {
  const collect = globalThis.gc as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  make();
  collect();
  return process.memoryUsage().heapUsed - before;
}

if (process.argv[2] === HEAP_ARGUMENT) {
  process.send?.(measureHeap(process.argv[3] === "quick"));
  process.disconnect();
}
