import type { IdleBehavior } from "../model/command.ts";
import type { ContainerState } from "../model/fact.ts";
import type { WaitReason } from "../model/decision.ts";
import type { InstanceType, Resources } from "../model/instance-type.ts";
import type { WorkerState } from "../model/worker-state.ts";

export interface PlanContainer {
  readonly containerId: string;
  readonly state: ContainerState;
  readonly priority: bigint;
  readonly supervisor: boolean;
  readonly createdAtMs: number;
  /** Order in which containers were first seen: a time or a seq, compared only. */
  readonly firstSeenAt: number;
  readonly resources: Resources;
  /** Names of the eligible types, cheapest first. */
  readonly instanceTypes: readonly string[];
  /** An operation of ours is in flight (specification §6.2): no second one may be decided. */
  readonly busy: boolean;
  /** Since when it may have a process that no worker has told of, a `seq`; absent: what `PlanView.running` says is all. */
  readonly unseenAt?: number | null;
  /** When its last process was lost with its worker; absent: before the newest poll began, if ever. */
  readonly lostAt?: number | null;
}

export interface PlanWorker {
  readonly workerId: string;
  /** "" while the cloud has not named it yet. */
  readonly instanceId: string;
  readonly instanceType: string;
  readonly state: WorkerState;
  readonly idleBehavior: IdleBehavior;
  /** Running and starting, in order of id. */
  readonly containerIds: readonly string[];
}

/** What the planner may read beside the queue and the fleet. */
export interface PlanMoment {
  readonly nowMs: number;
  /** The queue's threshold on the same scale as exits: only what happened before it may be judged. */
  readonly queueUpdatedAt: number;
  /** At quota as soon as this many instances exist, creates of this pass included; null: never. */
  readonly instancesMax: number | null;
  /** At quota whatever the count. */
  readonly atQuota: boolean;
  /** Whether the cloud is out of capacity for a type, given how many instances of its provider type this view counts. */
  readonly atCapacity: (type: InstanceType, instancesOfProviderType: number) => boolean;
  /** Creates that the throttles still accept in this pass; null: no limit. */
  readonly createsAllowed: number | null;
  /**
   * Whether all that might run what was not seen since then were asked since, and answered before the newest poll began;
   * absent: yes.
   */
  readonly allAnswered?: (unseenAt: number) => boolean;
  /** Workers that will not accept a start now (by worker id). */
  readonly declinesStart: ReadonlySet<string>;
  /** When the API last answered 503, null if never. */
  readonly seen503AtMs: number | null;
}

/** One consistent view of the queue and the fleet: all that the planner may read. */
export interface PlanView extends PlanMoment {
  readonly containers: readonly PlanContainer[];
  readonly workers: readonly PlanWorker[];
  /**
   * Containers of which a process is known (specification §7.9 `Running()`): null while it lives, or the point (a `seq`, or a
   * time) at which its exit was noticed.
   */
  readonly running: ReadonlyMap<string, number | null>;
  readonly instanceTypes: Readonly<Record<string, InstanceType>>;
}

/** Why an entry waits, with what its text needs. Positions and names are for display only, never journaled. */
export interface QueueStatus {
  readonly containerId: string;
  readonly reason: WaitReason | "";
  /** Spec §6.4, word for word; "" where there is none. */
  readonly text: string;
}

export interface PlanMetrics {
  readonly containersAllocatedNotStarted: number;
  readonly containersNotAllocatedOverQuota: number;
  readonly maxSupervisors: number;
}
