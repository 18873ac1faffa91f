import type { ContainerState } from "../machines/model/fact.ts";
import type { IdleBehavior } from "../machines/model/command.ts";
import type { WorkerState } from "../machines/model/worker-state.ts";

export const CATEGORIES = ["inuse", "hold", "booting", "unknown", "idle"] as const;
export type Category = (typeof CATEGORIES)[number];

/** In which category a worker counts on which nothing runs and that nobody holds: shutdown and drain count as idle. */
const OF_STATE: Readonly<Record<WorkerState, Category>> = {
  unknown: "unknown",
  booting: "booting",
  idle: "idle",
  running: "idle",
  shutdown: "idle",
};
export const WORKER_STATES: readonly string[] = Object.keys(OF_STATE);

export interface WorkerSample {
  readonly state: WorkerState;
  readonly idleBehavior: IdleBehavior;
  /** Name in the config. */
  readonly instanceType: string;
  /** Per hour. */
  readonly price: number;
  readonly vcpus: number;
  /** Bytes. */
  readonly ram: number;
  /** Containers running or starting on it. */
  readonly runners: number;
  readonly lastGoodProbeAtMs: number;
}

/** What is the case when somebody asks for the metrics. */
export interface FleetSnapshot {
  readonly nowMs: number;
  /** Workers that the cloud has listed or created. */
  readonly workers: readonly WorkerSample[];
  /** Names of the configured types. */
  readonly instanceTypes: readonly string[];
  /** Entries of the queue by state and first eligible type, "" where there is none. */
  readonly queue: readonly {
    readonly state: ContainerState;
    readonly instanceType: string;
    readonly entries: number;
  }[];
  readonly scheduler: {
    readonly allocatedNotStarted: number;
    readonly notAllocatedOverQuota: number;
    /** When the longest waiting container was created (specification §6.8); null if none waits. */
    readonly waitingSinceMs: number | null;
    readonly last503AtMs: number | null;
    readonly maxContainers: number;
    readonly atQuota: boolean;
  };
  readonly journal: {
    /** Age of the oldest fact that is not durable yet; 0 if all are. */
    readonly lagMs: number;
    readonly bytes: number;
  };
  /** Every alarm there is, by name: raised or not. */
  readonly alarms: Readonly<Record<string, boolean>>;
}

/** In which category a worker is counted (specification §12). */
export function categoryOf(
  worker: Pick<WorkerSample, "state" | "idleBehavior" | "runners">,
): Category {
  if (worker.runners > 0) return "inuse";
  if (worker.idleBehavior === "hold") return "hold";
  return OF_STATE[worker.state];
}

/** Seconds since the last good probe: the greatest, and element n/2 of the list that begins with it; 0 without workers. */
export function probeAges(snapshot: Pick<FleetSnapshot, "nowMs" | "workers">): {
  max: number;
  median: number;
} {
  const ages = snapshot.workers
    .map((worker) => Math.max(0, snapshot.nowMs - worker.lastGoodProbeAtMs) / 1000)
    .sort((a, b) => b - a);
  return { max: ages[0] ?? 0, median: ages[Math.floor(ages.length / 2)] ?? 0 };
}
