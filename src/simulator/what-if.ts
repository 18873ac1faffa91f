import type { DispatcherConfig } from "../actors/dispatcher.ts";
import type { Journal } from "../drivers/journal/port.ts";
import type { Failure } from "../machines/model/fact.ts";
import { chanceFor } from "./chance.ts";
import { Meter } from "./meter.ts";
import type { Summary } from "./meter.ts";
import { GOOD_VM } from "./simulated-vm.ts";
import type { CloudErrorWindow, Workload } from "./workload.ts";
import { World } from "./world.ts";

const DAY_MS = 86_400_000;
const EVENTS_PER_PROGRESS = 1_000;
/** Until the dispatcher has heard of the last end, and made it durable. */
const LAST_WORDS_MS = 120_000;
/** How long what remains after the last arrival may take, beyond the work itself: retries and waiting for quota. */
const REST_MS = 2 * DAY_MS;

export interface WhatIfOptions {
  readonly config: DispatcherConfig;
  readonly workload: Workload;
  readonly seed: number;
  readonly openJournal: () => Journal;
  /** Told now and then how far it is. */
  readonly onProgress?: (progress: WhatIfProgress) => void;
}

export interface WhatIfProgress {
  readonly simulatedMs: number;
  readonly endedCount: number;
  readonly containersCount: number;
}

export interface WhatIf {
  readonly summary: Summary;
  /** The queue was empty and the fleet gone in the end. */
  readonly drained: boolean;
}

/** What the daemon's very code would have made of a workload, on a virtual clock. Throws what the daemon would die of. */
export async function simulateWorkload(options: WhatIfOptions): Promise<WhatIf> {
  const { config, seed, openJournal } = options;
  const workload = ofCluster(options.workload, config.settings.clusterId);
  const meter = new Meter();
  const open = new Set(workload.jobs.map(({ containerId }) => containerId));
  const world: World = new World({
    seed,
    config,
    openJournal,
    behaviorOf: behaviors(workload, seed),
    eventTypes: new Set(["record.released", "container.moved"]),
    onEvent: (event) => {
      if (event.type === "record.released") meter.follow(event.record, event.changes);
      if (event.type === "container.moved" && isEnd(event.state)) open.delete(event.containerId);
    },
  });
  world.cloud.createTimeMs = createTimes(workload, seed);
  const startMs = world.clock.nowMs();
  world.cloud.refuseCreate = (type, count) =>
    refusalOf(workload.errors, world.clock.nowMs() - startMs, { type: type.name, count });
  const given = submitAll(world, workload, (containerId) => open.delete(containerId));
  await world.start();
  const lastMs = workload.jobs.reduce((last, job) => Math.max(last, job.submitAtMs), 0);
  const workMs = workload.jobs.reduce((sum, { durationMs }) => sum + durationMs, 0);
  let eventsCount = 0;
  const tellProgress = (): void => {
    if (++eventsCount % EVENTS_PER_PROGRESS !== 0) return;
    const containersCount = workload.jobs.length;
    const simulatedMs = world.clock.nowMs() - startMs;
    const endedCount = containersCount - open.size;
    options.onProgress?.({ simulatedMs, endedCount, containersCount });
  };
  const known = (kind: "worker" | "container"): number =>
    world.dispatcher?.supervisor.known.size(kind) ?? 0;
  const drained = await world.clock.run({
    untilMs: startMs + lastMs + workMs + REST_MS,
    done: () => {
      tellProgress();
      const isOver = open.size === 0 && given() && world.cloud.size === 0 && known("worker") === 0;
      return world.bugs.length > 0 || isOver;
    },
  });
  const toAtMs = world.clock.nowMs();
  await world.clock.run({
    untilMs: toAtMs + LAST_WORDS_MS,
    done: () => known("container") === 0 || world.bugs.length > 0,
  });
  await world.clock.run({ untilMs: world.clock.nowMs() });
  if (world.bugs.length > 0) throw world.bugs[0];
  await world.kill();
  return { summary: meter.finish(toAtMs), drained };
}

/** Workers pass over containers of other clusters. */
function ofCluster(workload: Workload, clusterId: string): Workload {
  const rename = (containerId: string): string => `${clusterId}${containerId.slice(5)}`;
  const jobs = workload.jobs.map((job) => ({ ...job, containerId: rename(job.containerId) }));
  return { ...workload, jobs };
}

function isEnd(state: string): boolean {
  return state === "Complete" || state === "Cancelled";
}

/** Answers whether all have been submitted. `gaveUp` is told of each that its user took back before it ended. */
function submitAll(
  world: World,
  { jobs }: Workload,
  gaveUp: (containerId: string) => void,
): () => boolean {
  const { clock, queue } = world;
  let count = 0;
  for (const { submitAtMs, containerId, record, durationMs, cancelAtMs } of jobs) {
    clock.setTimer(submitAtMs, () => {
      count++;
      const createdAtMs = clock.nowMs();
      queue.submit(containerId, { record: { ...record, createdAtMs }, durationMs, exitCode: 0 });
    });
    if (cancelAtMs === undefined) continue;
    clock.setTimer(cancelAtMs, () => {
      const state = queue.containers.get(containerId)?.record.state ?? "Complete";
      queue.setPriority(containerId, "0");
      // One that runs or is locked is ended or given back by the dispatcher; of one that waits nobody hears again.
      if (state === "Queued" || state === "Locked") gaveUp(containerId);
    });
  }
  return () => count === jobs.length;
}

function behaviors({ bootTimesMs }: Workload, seed: number) {
  const chance = chanceFor(seed, "boot times");
  return ({ nowMs }: { nowMs: number }) => ({
    ...GOOD_VM,
    bootedAtMs: nowMs + (chance.pick(bootTimesMs) ?? 0),
  });
}

function createTimes({ createTimesMs }: Workload, seed: number): () => number {
  const chance = chanceFor(seed, "create times");
  return () => chance.pick(createTimesMs) ?? 0;
}

function refusalOf(
  errors: readonly CloudErrorWindow[],
  atMs: number,
  create: { type: string; count: number },
): Failure | undefined {
  const window = errors.find(
    ({ fromMs, toMs, failure, instanceType, instancesCount }) =>
      atMs >= fromMs &&
      atMs <= toMs &&
      (failure.code === "quota"
        ? create.count >= instancesCount
        : instanceType === create.type || failure.scope === "all"),
  );
  // A time that was named then means nothing on this clock.
  if (!window) return undefined;
  const { retryAtMs: _retryAtMs, ...failure } = window.failure;
  return failure;
}
