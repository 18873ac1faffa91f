import type { InstanceType } from "../../src/machines/model/instance-type.ts";
import { NO_GPU } from "../../src/machines/model/instance-type.ts";
import type { Settings } from "../../src/machines/model/settings.ts";
import type { PlanContainer, PlanView, PlanWorker } from "../../src/machines/planner/view.ts";

const GIB = 2 ** 30;
const NOW_MS = Date.UTC(2026, 0, 1);
const SIZES = [2, 4, 8, 16, 32];

const TYPES: Record<string, InstanceType> = Object.fromEntries(
  SIZES.map((size) => [
    `type${size}`,
    {
      name: `type${size}`,
      providerType: `provider${size}`,
      vcpus: size,
      ram: size * 4 * GIB,
      includedScratch: size * 50 * GIB,
      addedScratch: 0,
      scratch: size * 50 * GIB,
      price: size / 20,
      preemptible: false,
      gpu: NO_GPU,
    },
  ]),
);

export const SETTINGS = {
  instanceTypes: TYPES,
  maxRunningContainersPerInstance: 0,
  maxInstances: 0,
  initialQuotaEstimate: 0,
  supervisorFraction: 0.3,
} as Settings;

/** Numbers that look random and are the same in every run. */
function makeNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export interface Shape {
  readonly containersCount: number;
  readonly workersCount: number;
  /** How many kinds of needs there are. */
  readonly kindsCount: number;
  readonly lockedShare: number;
  /** How full the fleet is at first. */
  readonly busyShare: number;
  readonly maxContainers: number;
}

function makeContainer(number: number, kind: number, shape: Shape): PlanContainer {
  const below = makeNumbers(number + 1);
  const vcpus = 1 + (kind % 8);
  const ram = (1 + (kind % 13)) * GIB + kind;
  const eligible = SIZES.filter((size) => size >= vcpus && size * 4 * GIB >= ram).slice(0, 2);
  const cluster = "zzzzz-dz642";
  return {
    containerId: `${cluster}-${String(below(1e9)).padStart(9, "0")}${String(number).padStart(6, "0")}`,
    state: below(1000) < shape.lockedShare * 1000 ? "Locked" : "Queued",
    priority: BigInt(below(1000)) * 1_000_000_007n + 1n,
    supervisor: below(10) === 0,
    createdAtMs: NOW_MS - below(1e7),
    firstSeenAt: number,
    resources: { vcpus, ram, scratch: 10 * GIB, gpus: 0, gpuVram: 0 },
    instanceTypes: eligible.map((size) => `type${size}`),
    busy: false,
  };
}

export function makeView(shape: Shape): PlanView {
  const below = makeNumbers(42);
  const containers = Array.from({ length: shape.containersCount }, (_, number) =>
    makeContainer(number, below(shape.kindsCount), shape),
  );
  const running = new Map<string, number | null>();
  const workers = Array.from({ length: shape.workersCount }, (_, number): PlanWorker => {
    const busy = below(1000) < shape.busyShare * 1000;
    const id = containers[number]?.containerId;
    if (busy && id !== undefined) running.set(id, null);
    const name = `i-${String(below(1e9)).padStart(9, "0")}${number}`;
    return {
      workerId: name,
      instanceId: name,
      instanceType: `type${SIZES[below(SIZES.length)]}`,
      state: busy ? "running" : below(10) === 0 ? "booting" : "idle",
      idleBehavior: "run",
      containerIds: busy && id !== undefined ? [id] : [],
    };
  });
  return {
    nowMs: NOW_MS,
    containers,
    workers,
    running,
    queueUpdatedAt: NOW_MS,
    instanceTypes: TYPES,
    instancesMax: null,
    atQuota: false,
    atCapacity: () => false,
    createsAllowed: 10,
    declinesStart: new Set(),
    seen503AtMs: null,
  };
}
