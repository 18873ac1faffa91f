import { assign, setup } from "xstate";
import type { SnapshotFrom } from "xstate";
import type { FactOf } from "../model/fact.ts";
import type { Settings } from "../model/settings.ts";
import { startsUntilMs } from "../worker/worker.assigns.ts";

export interface SupervisorContext {
  readonly startedAtMs: number;
  readonly startedSeq: number;
  readonly version: string;
  /** Of the journal that this run began on; absent in a state of an earlier version. */
  readonly journalId?: string;
  /** A complete list and a complete poll, both begun after the start, have been taken in. */
  readonly listed: boolean;
  readonly polled: boolean;
  /** Stale locks were seen while a worker was still unknown. */
  readonly waited: boolean;
  /** When unknown workers are no longer waited for (specification §6.3); set once listed. */
  readonly staleLockDeadlineAtMs: number | null;
  readonly stopReason: string;
}

type SupervisorEvent = (
  | FactOf<
      | "daemon.started"
      | "lease.acquired"
      | "instances.listed"
      | "queue.polled"
      | "stop.requested"
      | "clock.ticked"
    >
  | { type: "recovery.finished"; atMs: number }
  | { type: "recovery.delayed"; atMs: number }
) & { readonly seq: number; readonly settings: Settings };

type Observed = Extract<SupervisorEvent, { type: "instances.listed" | "queue.polled" }>;

/** The dispatcher as a whole: who may decide, and what has to be known before it does (specification §6.1, §6.3). */
export const supervisorMachine = setup({
  types: { context: {} as SupervisorContext, events: {} as SupervisorEvent },
  actions: {
    begin: assign(({ event }) => ({
      startedAtMs: event.atMs,
      startedSeq: event.seq,
      version: event.type === "daemon.started" ? event.version : "",
      journalId: event.type === "daemon.started" ? event.journalId : "",
      listed: false,
      polled: false,
      waited: false,
      staleLockDeadlineAtMs: null,
      stopReason: "",
    })),
    takeList: assign(({ context, event }) => ({
      listed: true,
      staleLockDeadlineAtMs: staleLockDeadlineAtMs(context, event),
    })),
    takePoll: assign({ polled: true }),
    rememberStop: assign({
      stopReason: ({ event }) => (event.type === "stop.requested" ? event.reason : ""),
    }),
    rememberWait: assign({ waited: true }),
    endWait: assign({ staleLockDeadlineAtMs: null }),
  },
  guards: {
    firstList: ({ context, event }) =>
      !context.listed && (event as Observed).basedOnSeq >= context.startedSeq,
    firstPoll: ({ context, event }) =>
      !context.polled && (event as Observed).basedOnSeq >= context.startedSeq,
    firstDelay: ({ context }) => !context.waited,
    waitOver: ({ context, event }) =>
      context.staleLockDeadlineAtMs !== null && event.atMs >= context.staleLockDeadlineAtMs,
    wantsDrain: ({ event }) => event.type === "stop.requested" && event.drain,
  },
}).createMachine({
  id: "supervisor",
  context: {
    startedAtMs: 0,
    startedSeq: 0,
    version: "",
    journalId: "",
    listed: false,
    polled: false,
    waited: false,
    staleLockDeadlineAtMs: null,
    stopReason: "",
  },
  initial: "standby",
  on: {
    "daemon.started": { target: ".standby", actions: "begin" },
    "stop.requested": { guard: "wantsDrain", target: ".stopping", actions: "rememberStop" },
  },
  states: {
    standby: { on: { "lease.acquired": "recovering" } },
    recovering: {
      on: {
        "instances.listed": { guard: "firstList", actions: "takeList" },
        "queue.polled": { guard: "firstPoll", actions: "takePoll" },
        "recovery.delayed": { guard: "firstDelay", actions: "rememberWait" },
        "recovery.finished": "dispatching",
        // The next run of the planner settles what is left and goes on.
        "clock.ticked": { guard: "waitOver", actions: "endWait" },
      },
    },
    dispatching: {},
    stopping: {
      on: {
        "instances.listed": { guard: "firstList", actions: "takeList" },
        "queue.polled": { guard: "firstPoll", actions: "takePoll" },
      },
    },
  },
});

/** Workers have as long to answer once nothing of an earlier run can turn up on them: before that their answer tells nothing. */
function staleLockDeadlineAtMs(
  { startedAtMs }: SupervisorContext,
  { atMs, settings }: SupervisorEvent,
): number {
  return Math.max(atMs, startsUntilMs(startedAtMs, settings)) + settings.staleLockTimeoutMs;
}

export type SupervisorSnapshot = SnapshotFrom<typeof supervisorMachine>;
