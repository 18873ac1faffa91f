import fc from "fast-check";
import type { Limits } from "../../../src/machines/model/decision.ts";
import type { Resources } from "../../../src/machines/model/instance-type.ts";
import type { Settings } from "../../../src/machines/model/settings.ts";
import type { PlanContainer, PlanView, PlanWorker } from "../../../src/machines/planner/view.ts";
import { NOW_MS } from "./harness.ts";
import { settingsOf } from "./scenarios.ts";

const TYPES = Object.fromEntries(
  ["a", "b", "c", "d"].map((name, index) => [
    name,
    {
      VCPUs: [2, 4, 4, 8][index],
      RAM: 16,
      Scratch: 0,
      Price: [1, 2, 2, 3][index],
      Preemptible: false,
    },
  ]),
);
/** Two of the types cost the same and are of the same size. */
export const BASE = settingsOf({ MaxInstances: 8, SupervisorFraction: 0.5 }, TYPES);

export const resources = fc
  .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 8 }))
  .map(([vcpus, ram]): Resources => ({ vcpus, ram, scratch: 0, gpus: 0, gpuVram: 0 }));

export const containerParts = fc.record({
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

export const workerParts = fc.record({
  named: fc.boolean(),
  instanceType: fc.constantFrom("a", "b", "c", "d", "gone"),
  state: fc.constantFrom("unknown", "booting", "idle", "idle", "running", "shutdown" as const),
  idleBehavior: fc.constantFrom("run", "run", "run", "hold", "drain" as const),
  declines: fc.boolean(),
});

export interface Case {
  readonly view: PlanView;
  readonly settings: Settings;
  readonly limits: Limits;
}

export const cases: fc.Arbitrary<Case> = fc
  .record({
    containers: fc.array(containerParts, { maxLength: 12 }),
    workers: fc.array(workerParts, { maxLength: 8 }),
    limits: fc.record({
      maxContainers: fc.integer({ min: 0, max: 10 }),
      last503AtMs: fc.constantFrom(null, NOW_MS - 1000, NOW_MS - 100_000),
      instancesWithinQuota: fc.integer({ min: 0, max: 3 }),
      quotaIsOurs: fc.boolean(),
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

/** A view of nothing. */
export const EMPTY_VIEW: PlanView = makeCase({
  containers: [],
  workers: [],
  limits: { maxContainers: 0, last503AtMs: null, instancesWithinQuota: 0 },
  instancesMax: null,
  atQuota: false,
  capacityMax: 0,
  createsAllowed: null,
  perInstanceMax: 0,
  anyone: false,
}).view;
