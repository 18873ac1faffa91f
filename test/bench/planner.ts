import { plan } from "../../src/machines/planner/plan.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { cpuMs, median, medianCpuMs, type BenchOptions, type Figure } from "./figure.ts";
import { makeView, SETTINGS, type Shape } from "./planner-view.ts";

const USUAL = { kindsCount: 40, lockedShare: 0.3, busyShare: 0.5, maxContainers: 0 };
/** A fleet grows with its queue: one worker for twenty containers. */
const CURVE = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];
const CHANGES = 60;
const unit = "ms";

export async function run(options: BenchOptions): Promise<Figure[]> {
  const figures = [...curve(options), ...shapes(options), ...oneChange(10_000, 1_000)];
  if (!options.quick) figures.push(...oneChange(100_000, 5_000));
  return [...figures, ...bursts()];
}

/** Of a whole run of the planner, indexes built from scratch. */
function scratchMs(options: BenchOptions, shape: Shape): number {
  const view = makeView(shape);
  const { maxContainers } = shape;
  const limits = { maxContainers, last503AtMs: null, instancesWithinQuota: 0 };
  return medianCpuMs(options, () => plan(view, SETTINGS, limits));
}

function shapes(options: BenchOptions): Figure[] {
  const size = { ...USUAL, containersCount: 10_000, workersCount: 1_000 };
  const of = (name: string, shape: Shape, limit?: number): Figure => ({
    name: `planner: ${name}`,
    value: scratchMs(options, shape),
    unit,
    ...(limit === undefined ? {} : { limit }),
  });
  return [
    of("10,000 containers, 1,000 workers, from scratch", size, 25),
    of("the same, limited to 600 at once", { ...size, maxContainers: 600 }, 25),
    of("the same, fleet idle, all locked", { ...size, busyShare: 0, lockedShare: 1 }, 25),
    of("the same, no two alike", { ...size, kindsCount: 1e6 }),
  ];
}

function curve(options: BenchOptions): Figure[] {
  const sizes = options.quick ? CURVE.slice(0, 4) : CURVE;
  return sizes.map((containersCount) => {
    const workersCount = containersCount / 20;
    const value = scratchMs(options, { ...USUAL, containersCount, workersCount });
    const sizeText = `${containersCount.toLocaleString("en")} × ${workersCount.toLocaleString("en")}`;
    return { name: `planner: growth, ${sizeText}`, value, unit };
  });
}

/** Every worker runs a container, and the others wait; as many more may run as there are places. */
function busyCore(containersCount: number, workersCount: number): CoreBuilder {
  const quiet = { maxInstances: workersCount, timeoutIdleMs: 1e9, initialQuotaEstimate: 1e6 };
  const builder = new CoreBuilder(quiet).dispatching();
  for (let n = 0; n < workersCount; n++) {
    const id = containerId(n);
    builder.container(id, { state: "Running", vcpus: 3 });
    builder.instance(`i-${n}`, "type4", [id]);
  }
  for (let n = workersCount; n < containersCount; n++) addWaiting(builder, n);
  builder.plan();
  builder.plan();
  return builder;
}

function addWaiting(builder: CoreBuilder, n: number): void {
  builder.container(containerId(n), { priority: String(1 + ((n * 7_919) % 1_000)), vcpus: 2 });
  builder.journaled.length = 0;
}

/** The record, and the answer to a probe, of a container whose process has ended. */
function end(builder: CoreBuilder, n: number): void {
  const { core, nowMs: startedAtMs } = builder;
  const ids = { containerId: containerId(n), basedOnSeq: core.seq };
  builder.feed({ type: "container.changed", ...ids, state: "Complete", priority: "1" });
  const answer = { booted: true, containerIds: [], broken: false, stale: false, bootError: "" };
  const probe = { workerId: `i-${n}`, basedOnSeq: core.seq, startedAtMs };
  builder.feed({ type: "probe.succeeded", ...probe, ...answer });
}

function passMs(builder: CoreBuilder): number {
  const beganMs = cpuMs();
  builder.plan();
  return cpuMs() - beganMs;
}

/** Of the pass that follows, with the machines' own steps for what it decides. */
function oneChange(containersCount: number, workersCount: number): Figure[] {
  const builder = busyCore(containersCount, workersCount);
  const size = `${containersCount.toLocaleString("en")} × ${workersCount.toLocaleString("en")}`;
  const limit = containersCount === 10_000 ? { limit: 3 } : {};
  const medianOf = (change: (n: number) => void): number =>
    median(
      Array.from({ length: CHANGES }, (_each, n) => {
        change(n);
        return passMs(builder);
      }),
    );
  const added = medianOf((n) => addWaiting(builder, containersCount + n));
  const ended = medianOf((n) => end(builder, n));
  return [
    { name: `planner: ${size}, pass after one container came`, value: added, unit, ...limit },
    { name: `planner: ${size}, pass after one ended`, value: ended, unit, ...limit },
  ];
}

/** What comes at once is taken in one by one; then one pass decides, and one finds nothing more to do. */
function bursts(): Figure[] {
  const queue = busyCore(1_000, 1_000);
  const beganMs = cpuMs();
  for (let n = 1_000; n < 11_000; n++) addWaiting(queue, n);
  const takenMs = cpuMs() - beganMs;
  const first = passMs(queue);
  const second = passMs(queue);
  const fleet = busyCore(10_000, 1_000);
  for (let n = 0; n < 1_000; n++) end(fleet, n);
  return [
    { name: "planner: burst, 10,000 containers taken in", value: takenMs, unit },
    { name: "planner: burst, the pass that tells all of them why they wait", value: first, unit },
    { name: "planner: burst, the pass after that", value: second, unit },
    {
      name: "planner: burst, pass after 1,000 workers' containers ended",
      value: passMs(fleet),
      unit,
    },
    { name: "planner: burst, the second after that", value: passMs(fleet), unit },
  ];
}
