import type { Delivered } from "../model/delivered.ts";
import type { ContainerRecord, ContainerState, FactOf } from "../model/fact.ts";
import type { Resources } from "../model/instance-type.ts";
import type { Notice } from "../model/notice.ts";
import type { WaitReason } from "../model/decision.ts";

/** What a worker last said of the container's process on it. */
export type ReportedProcess = "starting" | "running" | "unkillable";

export interface ContainerContext {
  readonly containerId: string;
  readonly priority: string;
  readonly createdAtMs: number;
  readonly supervisor: boolean;
  /** As it was first read; state and priority go on in this chart. Null for what the queue never had. */
  readonly record: ContainerRecord | null;
  readonly resources: Resources;
  /** Names of the eligible types, cheapest first; chosen once in a run of the dispatcher (specification §4.2). */
  readonly instanceTypes: readonly string[];
  /** Why no type fits; "" when one does. */
  readonly unfit: string;
  readonly firstSeenSeq: number;
  readonly firstSeenAtMs: number;
  /** The newest operation of ours that ended: a poll begun before it judges nothing (specification §4.2). */
  readonly updatedSeq: number;
  readonly processes: Readonly<Record<string, ReportedProcess>>;
  /** When the last process was noticed to be gone; a `seq`, compared with the poll's. */
  readonly exitedSeq: number | null;
  readonly exitedAtMs: number | null;
  /** Since when it may have a process that no worker has told of yet; null: all that it has are known. */
  readonly unseenSeq: number | null;
  /** When its last process was lost with its worker, so that nobody saw how it ended. */
  readonly lostSeq: number | null;
  /** When a failed operation may be tried again. */
  readonly retryAtMs: number | null;
  readonly failuresCount: number;
  /** The last call was a lock without an answer; absent in a state of an earlier version. */
  readonly lockMayArrive?: boolean;
  readonly lastError: string;
  /** Why it is not to run, whatever fits: its record cannot be read, or an operator cancels it. It is cancelled with these words. */
  readonly rejection: string;
  readonly waitReason: WaitReason | "";
  readonly waitSinceMs: number;
}

type ContainerFact = FactOf<
  | "container.changed"
  | "container.missing"
  | "container.rejected"
  | "operation.succeeded"
  | "operation.failed"
  | "clock.ticked"
  | "cancel.requested"
>;

/** These two bring what the config comes to; a start says whether the journal lacks something that the last run did. */
type Chosen = FactOf<"daemon.started" | "container.added"> & {
  readonly choice?: Choice;
  readonly historyLost?: boolean;
};

type ContainerDecision =
  | { type: "lock.decided"; reason: string }
  | { type: "unlock.decided"; reason: string }
  | { type: "requeue.decided"; reason: string }
  | { type: "cancel.decided"; reason: string }
  | { type: "kill.decided"; reason: string }
  | { type: "forget.decided"; reason: string }
  | { type: "wait.decided"; reason: WaitReason | "" };

/** What choosing an instance type came to, done by the core when the container is first seen, and at each start. */
export interface Choice {
  readonly resources: Resources;
  readonly instanceTypes: readonly string[];
  /** Why no type fits; "" when one does. */
  readonly unfit: string;
}

export type ContainerEvent = (ContainerFact | Chosen | ContainerDecision | Notice) & Delivered;
export type ContainerEventOf<T extends ContainerEvent["type"]> = Extract<
  ContainerEvent,
  { type: T }
>;

export interface ContainerInput {
  readonly containerId: string;
  readonly atMs: number;
  readonly seq: number;
}

/** States of the record region: as in the API, and `unlisted` for what the queue does not have. */
export const RECORD_STATES = [
  "Queued",
  "Locked",
  "Running",
  "Complete",
  "Cancelled",
] as const satisfies readonly ContainerState[];
