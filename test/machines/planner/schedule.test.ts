import { describe, expect, it } from "vitest";
import { adapt, initialLimits } from "../../../src/machines/planner/concurrency.ts";
import { inQueueOrder } from "../../../src/machines/planner/order.ts";
import { schedule } from "../../../src/machines/planner/schedule.ts";
import type { PlanContainer, PlanView } from "../../../src/machines/planner/view.ts";
import { NOW_MS, World } from "./harness.ts";
import { settingsOf } from "./scenarios.ts";

const GIB = 2 ** 30;
const TYPES = Object.fromEntries(
  [1, 2, 4].map((size) => [
    `type${size}`,
    { VCPUs: size, RAM: size * 4 * GIB, Scratch: 0, Price: size / 10, Preemptible: false },
  ]),
);
const CONFIG = { MaxInstances: 10 };

function id(number: number): string {
  return `zzzzz-dz642-${String(number).padStart(15, "0")}`;
}

/** `[id, state, priority, vcpus]`; the RAM decides the type, two GiB per VCPU. */
function worldOf(
  containers: [number, string, number, number, object?][],
  instances: object[] = [],
  pool: object = {},
  config: object = CONFIG,
): World {
  return new World({
    given: {
      config,
      instance_types: TYPES,
      containers: containers.map(([number, state, priority, vcpus, more]) => ({
        uuid: id(number),
        state,
        priority,
        vcpus,
        ram: vcpus * 2 * GIB,
        ...more,
      })),
      pool: { quota: 100, can_create: 100, running: {}, instances, ...pool },
    },
  });
}

function instance(name: string, type: string, more: object = {}): object {
  return { instance: name, arvados_instance_type: type, worker_state: "idle", ...more };
}

function told(world: World, change: (view: PlanView) => Partial<PlanView> = () => ({})): string[] {
  const view = world.view();
  const { decisions } = schedule({ ...view, ...change(view) }, world.settings, world.limits);
  expect(decisions.every(({ reason }) => reason.length > 0)).toBe(true);
  return decisions.map((decision) => {
    const subject = "container" in decision ? Number(decision.container.slice(-3)) : "";
    const worker = "worker" in decision ? decision.worker : "";
    return [decision.do, subject, worker].filter((part) => part !== "").join(" ");
  });
}

function withBusy(...numbers: number[]) {
  return ({ containers }: PlanView) => ({
    containers: containers.map((container) => ({
      ...container,
      busy: numbers.some((number) => container.containerId === id(number)),
    })),
  });
}

describe("at quota", () => {
  it("locks and starts what fits on the instances there are, however many containers that makes", () => {
    const world = worldOf(
      [1, 2, 3, 4, 5, 6, 7, 8].map((number) => [number, "Queued", 9, 1]),
      [instance("a", "type4"), instance("b", "type4")],
      { quota: 2 },
      { ...CONFIG, MaximumPriceFactor: 9 },
    );
    expect(world.runQueue().limits.maxContainers).toBe(2);
    expect(world.changes).toHaveLength(8);
    world.runQueue();
    expect(world.workers.map(({ containerIds }) => containerIds.length)).toEqual([4, 4]);
    expect(world.shutdowns).toEqual([]);
  });

  it("does not let what fits overtake what it would keep waiting", () => {
    const world = worldOf(
      [
        [1, "Locked", 9, 2],
        [2, "Locked", 8, 2],
        [3, "Locked", 7, 4],
        [4, "Locked", 6, 2],
      ],
      [instance("a", "type2"), instance("b", "type2"), instance("c", "type2")],
      { quota: 3 },
    );
    world.limits = { ...world.limits, maxContainers: 2 };
    expect(told(world)).toEqual(["start 1 a", "start 2 b"]);
  });

  it("shuts down only empty instances that are booting or idle and not held", () => {
    const world = worldOf(
      [[1, "Locked", 9, 4]],
      [
        instance("", "type2", { worker_state: "booting" }),
        instance("booting", "type2", { worker_state: "booting" }),
        instance("drained", "type2", { idle_behavior: "drain" }),
        instance("held", "type2", { idle_behavior: "hold" }),
        instance("idle", "type2"),
        instance("shutdown", "type2", { worker_state: "shutdown" }),
        instance("unknown", "type2", { worker_state: "unknown" }),
      ],
      { quota: 7 },
    );
    const shutDowns = told(world).filter((text) => text.startsWith("shutdown"));
    expect(shutDowns).toEqual(["shutdown booting", "shutdown drained", "shutdown idle"]);
  });

  it("lets the next in line keep its lock and unlocks those behind it", () => {
    const world = worldOf(
      [
        [1, "Locked", 9, 4],
        [2, "Locked", 8, 4],
        [3, "Locked", 7, 4],
      ],
      [instance("a", "type2")],
      { quota: 1 },
    );
    expect(told(world)).toEqual(["unlock 2", "unlock 3", "shutdown a"]);
    expect(told(world, withBusy(2))).toEqual(["unlock 3", "shutdown a"]);
  });

  it("tells a container with priority 0 so, though it counts as over quota, and leaves its lock to reconciling", () => {
    const world = worldOf(
      [
        [1, "Locked", 9, 4],
        [2, "Locked", 0, 4],
        [3, "Queued", 0, 4],
      ],
      [instance("a", "type2")],
      { quota: 1 },
    );
    const { waiting, metrics } = schedule(world.view(), world.settings, world.limits);
    expect(waiting.statuses().map(({ reason }) => reason)).toEqual([
      "atQuota",
      "priorityZero",
      "priorityZero",
    ]);
    expect(metrics.containersNotAllocatedOverQuota).toBe(3);
    expect(told(world)).toEqual(["shutdown a"]);
  });
});

describe("a container with an operation in flight", () => {
  it("is not locked again, and keeps its place", () => {
    const world = worldOf(
      [
        [1, "Queued", 9, 2],
        [2, "Locked", 8, 2],
      ],
      [instance("a", "type2")],
      { can_create: 0 },
    );
    // Locked ones come first.
    expect(told(world)).toEqual(["start 2 a", "lock 1"]);
    expect(told(world, withBusy(1))).toEqual(["start 2 a"]);
    world.containers.pop();
    expect(told(world, withBusy(1))).toEqual([]);
  });

  it("is neither started nor given an instance", () => {
    const world = worldOf([[1, "Locked", 9, 2]], [instance("a", "type2")]);
    expect(told(world)).toEqual(["start 1 a"]);
    expect(told(world, withBusy(1))).toEqual([]);
    world.workers.pop();
    expect(told(world)).toEqual(["create 1"]);
    expect(told(world, withBusy(1))).toEqual([]);
  });
});

describe("an old process that a worker still names", () => {
  it.each([
    ["Queued", "about to lock", "atCapacity"],
    ["Locked", "about to start", "previousAttempt"],
  ])("is killed before its %s container goes on", (state, reason, status) => {
    const old = instance("a", "type4", {
      worker_state: "running",
      running_container_uuids: [id(1)],
    });
    const world = worldOf([[1, state, 9, 1]], [old, instance("b", "type1")]);
    const { decisions, waiting } = schedule(world.view(), world.settings, world.limits);
    expect(decisions).toEqual([{ do: "kill", container: id(1), reason }]);
    expect(waiting.statuses()[0]?.reason).toBe(status);
  });
});

describe("starting", () => {
  it("waits where the instance does not accept a start now", () => {
    const world = worldOf([[1, "Locked", 9, 2]], [instance("a", "type2")]);
    expect(told(world, () => ({ declinesStart: new Set(["a"]) }))).toEqual([]);
    const view = { ...world.view(), declinesStart: new Set(["a"]) };
    const { waiting, metrics } = schedule(view, world.settings, world.limits);
    expect(waiting.statuses()[0]?.text).toBe(
      "Waiting for a type2 instance to boot and be ready to accept work.",
    );
    expect(metrics.containersAllocatedNotStarted).toBe(1);
  });

  it("places nothing beside a process that the queue does not know", () => {
    const running = { worker_state: "running", running_container_uuids: [id(9)] };
    const world = worldOf([[1, "Locked", 9, 1]], [instance("a", "type1", running)]);
    expect(told(world)).toEqual(["create 1"]);
  });

  it("packs what comes later on an instance that was asked for in the same pass", () => {
    const world = worldOf(
      [
        [1, "Locked", 9, 1, { ram: 9 * GIB }],
        [2, "Locked", 8, 1],
      ],
      [],
      {},
      { ...CONFIG, MaximumPriceFactor: 9 },
    );
    const { waiting } = world.runQueue();
    expect(world.creates).toEqual(["type4"]);
    expect(new Set(waiting.statuses().map(({ text }) => text)).size).toBe(1);
  });
});

describe("the order of the queue", () => {
  it("tells priorities apart that are the same as doubles, and settles ties by arrival, then id", () => {
    const world = worldOf([1, 2, 3, 4, 5].map((number) => [number, "Queued", 1, 1]));
    const big = 2n ** 60n;
    const containers = world.view().containers.map((container, index): PlanContainer => {
      const priority = [big, big + 1n, big + 1n, 1n, big + 1n][index] ?? 0n;
      return { ...container, priority, firstSeenAt: index === 4 ? 0 : 7 };
    });
    const order = inQueueOrder({ ...world.view(), containers: containers.toReversed() });
    expect(order.map(({ containerId }) => Number(containerId.slice(-3)))).toEqual([5, 2, 3, 1, 4]);
  });
});

describe("adapt", () => {
  const settings = settingsOf({ MaxInstances: 10, SupervisorFraction: 0.5 });
  const start = initialLimits(settings);
  const moment = (seen503AtMs: number | null = null) => ({
    nowMs: NOW_MS,
    atQuota: false,
    seen503AtMs,
  });
  const load = (processesCount: number, changes: object = {}) => ({
    processesCount,
    instancesCount: 5,
    atQuota: false,
    ...changes,
  });

  it("starts from the estimate where there is one, and from MaxInstances where there is none", () => {
    expect(initialLimits({ initialQuotaEstimate: 3, maxInstances: 10 }).maxContainers).toBe(3);
    expect(start).toEqual({ maxContainers: 10, last503AtMs: null, instancesWithinQuota: 0 });
  });

  it("runs one container less than now after a 503, but one", () => {
    expect(adapt(moment(NOW_MS), settings, start, load(5)).limits.maxContainers).toBe(4);
    expect(adapt(moment(NOW_MS), settings, start, load(0)).limits.maxContainers).toBe(1);
  });

  it("does not count the same 503 twice, and grows after a quiet minute", () => {
    const after = { ...start, maxContainers: 4, last503AtMs: NOW_MS - 60_000 };
    expect(adapt(moment(after.last503AtMs), settings, after, load(9)).limits).toEqual(after);
    const quiet = { ...after, last503AtMs: NOW_MS - 60_001 };
    expect(adapt(moment(quiet.last503AtMs), settings, quiet, load(9)).limits.maxContainers).toBe(
      10,
    );
  });

  it("takes the number of instances as the limit at quota, and one more afterwards", () => {
    const quota = adapt(moment(), settings, start, load(0, { instancesCount: 5, atQuota: true }));
    expect(quota.limits).toMatchObject({ maxContainers: 5, instancesWithinQuota: 5 });
    expect(quota.supervisorsMax).toBe(2);
    const more = { ...quota.limits, maxContainers: 10 };
    expect(adapt(moment(), settings, more, load(0)).limits.maxContainers).toBe(6);
    const grown = adapt(moment(), settings, more, load(0, { instancesCount: 7, atQuota: false }));
    expect(grown.limits).toMatchObject({ maxContainers: 8, instancesWithinQuota: 7 });
  });

  it("allows one container at quota without instances, and one supervisor", () => {
    const { limits, supervisorsMax } = adapt(
      moment(),
      settings,
      start,
      load(0, {
        instancesCount: 0,
        atQuota: true,
      }),
    );
    expect(limits.maxContainers).toBe(1);
    expect(supervisorsMax).toBe(1);
  });

  it("holds back placed containers too while the API is recovering", () => {
    const recent = { ...start, maxContainers: 3, last503AtMs: NOW_MS - 1000 };
    const quota = { instancesCount: 5, atQuota: true };
    expect(adapt(moment(recent.last503AtMs), settings, recent, load(2, quota)).placedMax).toBe(3);
    expect(adapt(moment(), settings, start, load(2, quota)).placedMax).toBe(0);
  });
});
