import type { Delivered } from "../model/delivered.ts";
import type { FactOf } from "../model/fact.ts";

/** The SIGTERM schedule of one process (specification §7.9). */
export interface KillSchedule {
  readonly reason: string;
  readonly sinceMs: number;
  readonly deadlineAtMs: number;
  /** When to send the next signal; null once given up. */
  readonly nextAtMs: number | null;
}

/** A crunch-run process on a worker. */
export interface WorkerProcess {
  readonly state: "starting" | "running";
  readonly sinceMs: number;
  /** When it came to be known as running: what a kill sent before that says is not about it. */
  readonly runningSeq: number | null;
  /** Of a start with unknown outcome: a probe begun later that does not list it proves that it never ran. */
  readonly settleAtMs: number | null;
  readonly kill: KillSchedule | null;
}

/** A process that is to end, and why. */
export interface KillWish {
  readonly containerId: string;
  readonly reason: string;
}

export type Processes = Readonly<Record<string, WorkerProcess>>;

/** What the cloud would not do, in a row. */
export interface Refusal {
  readonly count: number;
  readonly sinceMs: number;
  readonly lastAtMs: number;
  /** What it said last. */
  readonly error: string;
}

export type BootOutcome = "success" | "failure" | "aborted" | "disappeared";

export interface WorkerContext {
  readonly workerId: string;
  readonly instanceId: string;
  /** The configured type's name. */
  readonly instanceType: string;
  readonly providerType: string;
  readonly address: string;
  readonly bornAtMs: number;
  readonly appearedAtMs: number;
  readonly appearedSeq: number;
  /** The newest local change: an observation begun before it judges nothing (specification §7.8). */
  readonly updatedSeq: number;
  readonly busyAtMs: number;
  /** When an idle worker is due for shutdown; null when it is not idle. */
  readonly idleDeadlineAtMs: number | null;
  /** When an unknown worker, or a create whose outcome is unknown, is given up. */
  readonly unknownDeadlineAtMs: number | null;
  /**
   * Until when a start may turn up here that an earlier run sent, and that this journal does not tell of; null or absent
   * (a context of an earlier version) when there is none.
   */
  readonly startsUntilMs?: number | null;
  /** When its end was first asked of the cloud, and when last. */
  readonly destroyedAtMs: number | null;
  readonly destroySentAtMs: number | null;
  /** A create call is in flight. */
  readonly createOpen: boolean;
  /** Start of the first list in a row that lacked the instance. */
  readonly missingSinceMs: number | null;
  readonly staleSinceMs: number | null;
  readonly sshConnectedAtMs: number | null;
  readonly readyAtMs: number | null;
  readonly bootOutcome: BootOutcome | null;
  readonly lastContainerId: string;
  readonly lastError: string;
  readonly processes: Processes;
  /** Why its idle behaviour is what it is, in words; "" while it is what it began with. */
  readonly behaviorReason: string;
  /** Why it is being shut down, in words; "" before. */
  readonly shutdownReason: string;
  /** How often its end was asked of the cloud, and when it may be again, if a list still shows it. */
  readonly destroysCount: number;
  readonly destroyNextAtMs: number | null;
  /** The newest destroy that the cloud took, and the record that had asked for it. */
  readonly destroyAccepted: { readonly atMs: number; readonly seq: number } | null;
  /** Destroys, and tags, that the cloud refused since it last did as asked. */
  readonly destroyRefused: Refusal | null;
  readonly tagsRefused: Refusal | null;
}

/** `historyLost`: the journal does not tell all that the last run did. */
type DaemonStarted = FactOf<"daemon.started"> & { readonly historyLost?: boolean };

type WorkerFact = FactOf<
  | "instance.seen"
  | "instance.missing"
  | "create.succeeded"
  | "create.failed"
  | "destroy.accepted"
  | "destroy.failed"
  | "tags.saved"
  | "tags.failed"
  | "ssh.connected"
  | "probe.succeeded"
  | "probe.failed"
  | "start.returned"
  | "kill.returned"
  | "clock.ticked"
  | "behavior.requested"
  | "shutdown.requested"
>;

/** Its create call returned an instance that another worker stands for already. */
type InstanceTaken = { type: "instance.taken" };

type WorkerDecision =
  | { type: "start.decided"; containerId: string }
  /** All that one run decides for a worker comes at once: its cost is by its processes then, not by their square. */
  | { type: "kill.decided"; kills: readonly KillWish[] }
  | { type: "shutdown.decided"; reason: string };

export type WorkerEvent = (DaemonStarted | WorkerFact | WorkerDecision | InstanceTaken) & Delivered;
export type WorkerEventOf<T extends WorkerEvent["type"]> = Extract<WorkerEvent, { type: T }>;

export interface WorkerInput {
  readonly workerId: string;
  readonly atMs: number;
  readonly seq: number;
  readonly instanceType: string;
  readonly providerType: string;
  /** Of an instance that was found in the cloud; null for one that we ask for now. */
  readonly found: {
    readonly instanceId: string;
    readonly address: string;
    readonly unknownDeadlineAtMs: number;
    readonly startsUntilMs: number | null;
    readonly behaviorReason: string;
  } | null;
}
