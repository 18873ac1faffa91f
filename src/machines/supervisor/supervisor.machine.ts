import { assign, setup } from "xstate";
import type { SnapshotFrom } from "xstate";
import { never } from "../chart/state-meta.ts";
import type { StateMeta } from "../chart/state-meta.ts";
import type { Delivered } from "../model/delivered.ts";
import type { FactOf } from "../model/fact.ts";
import { startsUntilMs } from "../worker/worker.assigns.ts";

export interface SupervisorContext {
  readonly startedAtMs: number;
  readonly startedSeq: number;
  readonly version: string;
  /** Of the journal that this run began on; absent in a state of an earlier version. */
  readonly journalId?: string;
  /** A worker is there on which an earlier run may have started what this journal does not tell of; absent before version 5. */
  readonly historyLost?: boolean;
  /** A complete list and a complete poll, both begun after the start, have been taken in. */
  readonly listed: boolean;
  readonly polled: boolean;
  /** Where this run found the newest instance that it did not know of; absent in a state of an earlier version. */
  readonly foundSeq?: number;
  /** A list has come that began once an instance which lists lacked at first would have turned up. */
  readonly settled: boolean;
  /** Stale locks were seen while a worker was still unknown. */
  readonly waited: boolean;
  /** When unknown workers are no longer waited for (specification §6.3); set once listed. */
  readonly staleLockDeadlineAtMs: number | null;
  readonly stopReason: string;
}

export type SupervisorEvent = (
  | (FactOf<"daemon.started"> & { readonly historyLost: boolean })
  | FactOf<
      "lease.acquired" | "instances.listed" | "queue.polled" | "stop.requested" | "clock.ticked"
    >
  | { type: "recovery.finished" }
  | { type: "recovery.delayed" }
  | { type: "history.missed" }
  | { type: "instance.found" }
) &
  Delivered;

type SupervisorEventOf<T extends SupervisorEvent["type"]> = Extract<SupervisorEvent, { type: T }>;
type Observed = SupervisorEventOf<"instances.listed" | "queue.polled">;

/**
 * One list, or two that come fast, may lack an instance that a lost journal does not know either. So lists decide only over
 * as long as a start waits for unknown workers (specification §6.3).
 */
function isLate(
  { startedAtMs }: SupervisorContext,
  { listStartedAtMs, settings }: SupervisorEventOf<"instances.listed">,
): boolean {
  return listStartedAtMs - startedAtMs >= settings.staleLockTimeoutMs;
}

const lateList = { guard: "firstLateList", actions: "settle" } as const;

interface Supervised {
  readonly context: SupervisorContext;
}

/** A recovery may end before its deadline. It is told the time all the same, which changes nothing then. */
const untilStaleLocks = {
  dueAtMs: ({ context }: Supervised): number | null => context.staleLockDeadlineAtMs,
};

/** The dispatcher as a whole: who may decide, and what has to be known before it does (specification §6.1, §6.3). */
export const supervisorMachine = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    meta: {} as StateMeta<Supervised>,
  },
  actions: {
    begin: assign(({ context, event }) => ({
      startedAtMs: event.atMs,
      startedSeq: event.seq,
      version: event.type === "daemon.started" ? event.version : "",
      journalId: event.type === "daemon.started" ? event.journalId : "",
      historyLost:
        (event.type === "daemon.started" && event.historyLost) || startsMayTurnUp(context, event),
      listed: false,
      polled: false,
      foundSeq: 0,
      settled: false,
      waited: false,
      staleLockDeadlineAtMs: null,
      stopReason: "",
    })),
    takeList: assign(({ context, event }) => ({
      listed: true,
      staleLockDeadlineAtMs: staleLockDeadlineAtMs(context, event),
    })),
    takePoll: assign({ polled: true }),
    rememberFound: assign({ foundSeq: ({ event }) => event.seq }),
    settle: assign({ settled: true }),
    rememberStop: assign({
      stopReason: ({ event }) => (event.type === "stop.requested" ? event.reason : ""),
    }),
    missHistory: assign(({ context, event }) => ({
      historyLost: true,
      staleLockDeadlineAtMs:
        context.staleLockDeadlineAtMs &&
        staleLockDeadlineAtMs({ ...context, historyLost: true }, event),
    })),
    rememberWait: assign({ waited: true }),
    endWait: assign({ staleLockDeadlineAtMs: null }),
  },
  guards: {
    firstList: ({ context, event }) =>
      !context.listed && (event as Observed).basedOnSeq >= context.startedSeq,
    firstPoll: ({ context, event }) =>
      !context.polled && (event as Observed).basedOnSeq >= context.startedSeq,
    firstLateList: ({ context, event }) =>
      !context.settled && isLate(context, event as SupervisorEventOf<"instances.listed">),
    firstDelay: ({ context }) => !context.waited,
    waitOver: ({ context, event }) =>
      context.staleLockDeadlineAtMs !== null && event.atMs >= context.staleLockDeadlineAtMs,
    historyKnown: ({ context }) => !(context.historyLost ?? false),
    wantsDrain: ({ event }) => event.type === "stop.requested" && event.drain,
  },
}).createMachine({
  id: "supervisor",
  context: {
    startedAtMs: 0,
    startedSeq: 0,
    version: "",
    journalId: "",
    historyLost: false,
    listed: false,
    polled: false,
    foundSeq: 0,
    settled: false,
    waited: false,
    staleLockDeadlineAtMs: null,
    stopReason: "",
  },
  initial: "standby",
  on: {
    "daemon.started": { target: ".standby", actions: "begin" },
    "instance.found": { actions: "rememberFound" },
    "stop.requested": { guard: "wantsDrain", target: ".stopping", actions: "rememberStop" },
  },
  states: {
    standby: { meta: { dueAtMs: never }, on: { "lease.acquired": "recovering" } },
    recovering: {
      meta: untilStaleLocks,
      on: {
        "instances.listed": [{ guard: "firstList", actions: "takeList" }, lateList],
        "queue.polled": { guard: "firstPoll", actions: "takePoll" },
        "history.missed": { guard: "historyKnown", actions: "missHistory" },
        "recovery.delayed": { guard: "firstDelay", actions: "rememberWait" },
        "recovery.finished": "dispatching",
        // The next run of the planner settles what is left and goes on.
        "clock.ticked": { guard: "waitOver", actions: "endWait" },
      },
    },
    dispatching: { meta: untilStaleLocks, on: { "instances.listed": lateList } },
    stopping: {
      meta: untilStaleLocks,
      on: {
        "instances.listed": [{ guard: "firstList", actions: "takeList" }, lateList],
        "queue.polled": { guard: "firstPoll", actions: "takePoll" },
      },
    },
  },
});

/** The last run did not know all that had been sent before it, and began just now. */
function startsMayTurnUp(
  { startedAtMs, historyLost = false }: SupervisorContext,
  { atMs, settings }: SupervisorEvent,
): boolean {
  return historyLost && atMs < startsUntilMs(startedAtMs, settings);
}

/**
 * Where starts of an earlier run may turn up, workers have as long to answer after that: what they answer before tells
 * nothing.
 */
function staleLockDeadlineAtMs(
  { startedAtMs, historyLost = false }: SupervisorContext,
  { atMs, settings }: SupervisorEvent,
): number {
  const fromMs = historyLost ? Math.max(atMs, startsUntilMs(startedAtMs, settings)) : atMs;
  return fromMs + settings.staleLockTimeoutMs;
}

export type SupervisorSnapshot = SnapshotFrom<typeof supervisorMachine>;
