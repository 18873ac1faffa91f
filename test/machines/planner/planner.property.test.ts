import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accommodates, roomOf, subtract } from "../../../src/machines/instance-types/packing.ts";
import type { Decision, Limits } from "../../../src/machines/model/decision.ts";
import type { Resources } from "../../../src/machines/model/instance-type.ts";
import type { Settings } from "../../../src/machines/model/settings.ts";
import { Fleet } from "../../../src/machines/planner/fleet.ts";
import { byUse } from "../../../src/machines/planner/order.ts";
import { plan } from "../../../src/machines/planner/plan.ts";
import { reconcile } from "../../../src/machines/planner/reconcile.ts";
import { schedule } from "../../../src/machines/planner/schedule.ts";
import type { PlanContainer, PlanView, PlanWorker } from "../../../src/machines/planner/view.ts";
import { NOW_MS } from "./harness.ts";
import { settingsOf } from "./scenarios.ts";

const TYPES = Object.fromEntries(
  ["a", "b", "c", "d"].map((name, index) => [
    name,
    // Two of them cost the same and are of the same size.
    {
      VCPUs: [2, 4, 4, 8][index],
      RAM: 16,
      Scratch: 0,
      Price: [1, 2, 2, 3][index],
      Preemptible: false,
    },
  ]),
);
const BASE = settingsOf({ MaxInstances: 8, SupervisorFraction: 0.5 }, TYPES);

const resources = fc
  .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 8 }))
  .map(([vcpus, ram]): Resources => ({ vcpus, ram, scratch: 0, gpus: 0, gpuVram: 0 }));

const containerParts = fc.record({
  state: fc.constantFrom("Queued", "Queued", "Locked", "Locked", "Running", "Complete" as const),
  priority: fc.bigInt({ min: 0n, max: 5n }),
  supervisor: fc.boolean(),
  firstSeenAt: fc.integer({ min: 0, max: 3 }),
  resources,
  instanceTypes: fc.subarray(["a", "b", "c", "d"]),
  busy: fc.boolean(),
  // Where a process of it is: nowhere, on one of the workers, or exited.
  process: fc.constantFrom("none", "none", "none", "on a worker", "exited"),
});

const workerParts = fc.record({
  named: fc.boolean(),
  instanceType: fc.constantFrom("a", "b", "c", "d", "gone"),
  state: fc.constantFrom("unknown", "booting", "idle", "idle", "running", "shutdown" as const),
  idleBehavior: fc.constantFrom("run", "run", "run", "hold", "drain" as const),
  declines: fc.boolean(),
});

interface Case {
  readonly view: PlanView;
  readonly settings: Settings;
  readonly limits: Limits;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    containers: fc.array(containerParts, { maxLength: 12 }),
    workers: fc.array(workerParts, { maxLength: 8 }),
    limits: fc.record({
      maxContainers: fc.integer({ min: 0, max: 10 }),
      last503AtMs: fc.constantFrom(null, NOW_MS - 1000, NOW_MS - 100_000),
      instancesWithinQuota: fc.integer({ min: 0, max: 3 }),
    }),
    instancesMax: fc.option(fc.integer({ min: 0, max: 10 })),
    atQuota: fc.boolean(),
    capacityMax: fc.integer({ min: 0, max: 6 }),
    createsAllowed: fc.option(fc.integer({ min: 0, max: 4 })),
    perInstanceMax: fc.constantFrom(0, 0, 1, 2),
    anyone: fc.boolean(),
  })
  .map(makeCase);

function makeCase(parts: {
  containers: (Omit<PlanContainer, "containerId" | "createdAtMs" | "state"> & {
    state: string;
    process: string;
  })[];
  workers: (Pick<PlanWorker, "instanceType"> & {
    named: boolean;
    state: string;
    idleBehavior: string;
    declines: boolean;
  })[];
  limits: Limits;
  instancesMax: number | null;
  atQuota: boolean;
  capacityMax: number;
  createsAllowed: number | null;
  perInstanceMax: number;
  anyone: boolean;
}): Case {
  const running = new Map<string, number | null>();
  const onWorkers: string[] = [];
  const containers = parts.containers.map(({ process, state, ...rest }, index): PlanContainer => {
    const containerId = `c${String(index).padStart(2, "0")}`;
    if (process !== "none") running.set(containerId, process === "exited" ? NOW_MS - 1 : null);
    if (process === "on a worker") onWorkers.push(containerId);
    return { ...rest, containerId, createdAtMs: 0, state: state as PlanContainer["state"] };
  });
  if (parts.anyone) running.set("stranger", null);
  const workers = parts.workers.map(({ named, state, idleBehavior, instanceType }, index) => ({
    workerId: `w${index}`,
    instanceId: named ? `i${index}` : "",
    instanceType,
    state: (named ? state : "booting") as PlanWorker["state"],
    idleBehavior: idleBehavior as PlanWorker["idleBehavior"],
    containerIds: named ? onWorkers.filter((_, at) => at % parts.workers.length === index) : [],
  }));
  const view: PlanView = {
    nowMs: NOW_MS,
    containers,
    workers,
    running,
    queueUpdatedAt: NOW_MS,
    instanceTypes: BASE.instanceTypes,
    instancesMax: parts.instancesMax,
    atQuota: parts.atQuota,
    atCapacity: (_type, count) => count >= parts.capacityMax,
    createsAllowed: parts.createsAllowed,
    declinesStart: new Set(
      workers.filter((_, at) => parts.workers[at]?.declines).map((w) => w.workerId),
    ),
    seen503AtMs: parts.limits.last503AtMs,
  };
  const settings = { ...BASE, maxRunningContainersPerInstance: parts.perInstanceMax };
  return { view, settings, limits: parts.limits };
}

/** Locks and unlocks done, started processes running. */
function afterDecisions(view: PlanView, decisions: readonly Decision[]): PlanView {
  const states = new Map<string, "Locked" | "Queued">();
  const running = new Map(view.running);
  for (const decision of decisions) {
    if (decision.do === "lock") states.set(decision.container, "Locked");
    if (decision.do === "unlock") states.set(decision.container, "Queued");
    if (decision.do === "start") running.set(decision.container, null);
  }
  const containers = view.containers.map((container) => {
    return { ...container, state: states.get(container.containerId) ?? container.state };
  });
  return { ...view, running, containers };
}

function planOf({ view, settings, limits }: Case) {
  return plan(view, settings, limits);
}

describe("the planner", () => {
  it("decides one thing for a container at most, and nothing for one with an operation in flight", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const decided = planOf(given).decisions.flatMap((d) =>
          "container" in d ? d.container : [],
        );
        expect(decided).toEqual([...new Set(decided)]);
        for (const { containerId, busy } of given.view.containers) {
          if (busy) expect(decided).not.toContain(containerId);
        }
      }),
    );
  });

  it("creates within the throttle, the quota and the capacity", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { createsAllowed, instancesMax, atQuota, workers } = given.view;
        const { decisions } = planOf(given);
        const created = decisions.filter((decision) => decision.do === "create");
        expect(created.length).toBeLessThanOrEqual(createsAllowed ?? Infinity);
        if (created.length === 0) return;
        expect(atQuota).toBe(false);
        expect(workers.length + created.length).toBeLessThanOrEqual(instancesMax ?? Infinity);
        for (const { container, instanceType } of created) {
          const record = given.view.containers.find(({ containerId }) => containerId === container);
          expect(record?.state).toBe("Locked");
          expect(record?.instanceTypes).toContain(instanceType);
        }
      }),
    );
  });

  it("starts only what has no process, is locked and wanted, on a ready instance of its types with room", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { view, settings } = given;
        const rooms = new Map(
          view.workers.map((worker) => [worker.workerId, roomOn(worker, view)]),
        );
        for (const decision of planOf(given).decisions) {
          if (decision.do !== "start") continue;
          const container = view.containers.find((each) => each.containerId === decision.container);
          const worker = view.workers.find((each) => each.workerId === decision.worker);
          const place = rooms.get(decision.worker);
          if (!container || !worker || !place) throw new Error("a decision about a stranger");
          expect(container.state).toBe("Locked");
          expect(container.priority).toBeGreaterThan(0n);
          expect(view.running.has(container.containerId)).toBe(false);
          expect(["idle", "running"]).toContain(worker.state);
          expect(worker.idleBehavior).toBe("run");
          expect(worker.instanceId).not.toBe("");
          expect(view.declinesStart.has(worker.workerId)).toBe(false);
          expect(container.instanceTypes).toContain(worker.instanceType);
          expect(accommodates(place.room, container.resources)).toBe(true);
          subtract(place.room, container.resources);
          place.count++;
          const max = settings.maxRunningContainersPerInstance;
          if (max > 0) expect(place.count).toBeLessThanOrEqual(max);
        }
      }),
    );
  });

  it("shuts down only empty instances that are idle or booting and not held", () => {
    fc.assert(
      fc.property(cases, (given) => {
        for (const decision of planOf(given).decisions) {
          if (decision.do !== "shutdown") continue;
          const worker = given.view.workers.find((each) => each.workerId === decision.worker);
          expect(worker?.containerIds).toEqual([]);
          expect(worker?.instanceId).not.toBe("");
          expect(["idle", "booting"]).toContain(worker?.state);
          expect(worker?.idleBehavior).not.toBe("hold");
        }
      }),
    );
  });

  it("decides the same in whatever order it is told about the world", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { view } = given;
        const reversed = {
          ...view,
          containers: view.containers.toReversed(),
          workers: view.workers.toReversed(),
          running: new Map([...view.running].reverse()),
        };
        expect(planOf({ ...given, view: reversed })).toEqual(planOf(given));
      }),
    );
  });

  it("reconciles as it would once the scheduling pass is carried out", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const scheduled = schedule(given.view, given.settings, given.limits).decisions;
        const after = afterDecisions(given.view, scheduled);
        expect(planOf(given).decisions.slice(scheduled.length)).toEqual(reconcile(after));
      }),
    );
  });

  it("gives every container that waits exactly one status with a text", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { statuses } = planOf(given);
        expect(statuses).toHaveLength(given.view.containers.length);
        const waiting = new Set(["Queued", "Locked"]);
        for (const { containerId, state } of given.view.containers) {
          const status = statuses.find((each) => each.containerId === containerId);
          if (waiting.has(state)) expect(status?.text).not.toBe("");
        }
      }),
    );
  });
});

describe("the fleet", () => {
  it("finds what a plain search by the letter of the rule finds, reservations and new instances included", () => {
    const ready = fc.constantFrom("unknown", "booting", "idle", "running" as const);
    const workers = fc.array(
      fc.record({ type: fc.constantFrom("a", "b", "c", "d"), state: ready }),
      {
        maxLength: 12,
      },
    );
    const wishes = fc.array(
      fc.record({ resources, types: fc.subarray(["a", "b", "c", "d"]), create: fc.boolean() }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(workers, wishes, fc.constantFrom(0, 1, 3), (workers, wishes, max) => {
        const view: PlanView = {
          ...makeCase(EMPTY).view,
          workers: workers.map(({ type, state }, index) => ({
            workerId: `i${index}`,
            instanceId: `i${index}`,
            instanceType: type,
            state: state,
            idleBehavior: "run",
            containerIds: [],
          })),
        };
        const fleet = new Fleet(view, max);
        const plain = view.workers.map((worker) => ({ ...plainSlot(worker, view) }));
        let createdCount = 0;
        for (const { resources, types, create } of wishes) {
          const container = {
            containerId: "",
            resources,
            instanceTypes: types,
          } as unknown as PlanContainer;
          plain.sort(byUse);
          const expected = plainFind(plain, container, max);
          const found = fleet.find(container);
          expect(found?.worker.workerId).toBe(expected?.worker.workerId);
          if (found && expected) {
            fleet.reserve(found, container);
            subtract(expected.room, resources);
            expected.count++;
            continue;
          }
          const type = types[0] === undefined ? undefined : view.instanceTypes[types[0]];
          if (!create || !type) continue;
          fleet.add(type, container);
          const workerId = `~${String(createdCount++).padStart(9, "0")}`;
          const slot = plainSlot({ ...PENDING, workerId, instanceType: type.name }, view);
          subtract(slot.room, resources);
          plain.push({ ...slot, count: 1 });
        }
      }),
      { numRuns: 500 },
    );
  });
});

const EMPTY = {
  containers: [],
  workers: [],
  limits: { maxContainers: 0, last503AtMs: null, instancesWithinQuota: 0 },
  instancesMax: null,
  atQuota: false,
  capacityMax: 0,
  createsAllowed: null,
  perInstanceMax: 0,
  anyone: false,
};

const PENDING: PlanWorker = {
  workerId: "",
  instanceId: "",
  instanceType: "",
  state: "booting",
  idleBehavior: "run",
  containerIds: [],
};

function plainSlot(worker: PlanWorker, view: PlanView) {
  const type = view.instanceTypes[worker.instanceType];
  return { worker, type, room: roomOf(type), count: 0 };
}

/** Spec §6.5 E.5, as it is written there. */
function plainFind(slots: ReturnType<typeof plainSlot>[], container: PlanContainer, max: number) {
  const isReady = ({ worker }: { worker: PlanWorker }) =>
    worker.state === "idle" || worker.state === "running";
  let best: ReturnType<typeof plainSlot> | undefined;
  for (const slot of slots) {
    if (max > 0 && slot.count >= max) continue;
    if (!container.instanceTypes.includes(slot.worker.instanceType)) continue;
    if (!accommodates(slot.room, container.resources)) continue;
    if (!best || slot.count > best.count || (!isReady(best) && isReady(slot))) best = slot;
  }
  return best;
}

function roomOn(worker: PlanWorker, view: PlanView) {
  const room = roomOf(view.instanceTypes[worker.instanceType]);
  for (const id of worker.containerIds) {
    const container = view.containers.find(({ containerId }) => containerId === id);
    if (container) subtract(room, container.resources);
  }
  return { room, count: worker.containerIds.length };
}
