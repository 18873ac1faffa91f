import { and, assign, not, or, setup, stateIn } from "xstate";
import type { SnapshotFrom } from "xstate";
import { metaOf, never } from "../chart/state-meta.ts";
import type { StateMeta } from "../chart/state-meta.ts";
import type { CommandDraft } from "../model/command.ts";
import type { ContainerState } from "../model/fact.ts";
import type { Notice } from "../model/notice.ts";
import * as to from "./container.assigns.ts";
import * as choose from "./container.choice.ts";
import * as judge from "./container.guards.ts";
import { RECORD_STATES } from "./container.types.ts";
import type { ContainerContext, ContainerEvent, ContainerInput } from "./container.types.ts";

interface Args {
  context: ContainerContext;
  event: ContainerEvent;
}

/** The chart's `on` has already chosen the event: its type is narrowed here, once. */
const given =
  <E extends ContainerEvent, R>(decide: (context: ContainerContext, event: E) => R) =>
  ({ context, event }: Args): R =>
    decide(context, event as E);

const chart = setup({
  types: {
    context: {} as ContainerContext,
    events: {} as ContainerEvent,
    input: {} as ContainerInput,
    meta: {} as StateMeta<Pick<Args, "context">>,
  },
  actions: {
    // These two never run: step() reads their params as data.
    commands: (_, _commands: CommandDraft[]) => {},
    notices: (_, _notices: Notice[]) => {},
    takeRecord: assign(given(to.takeRecord)),
    takeCancel: assign(given(choose.takeCancel)),
    takeChoice: assign(given(choose.takeChoice)),
    takePriority: assign(given(to.takePriority)),
    takeResult: assign(given(to.takeResult)),
    rememberFailure: assign(given(to.rememberFailure)),
    doubt: assign({ updatedSeq: ({ event }) => event.seq }),
    clearFailure: assign({ retryAtMs: null, failuresCount: 0, lastError: "" }),
    endPause: assign({ retryAtMs: null }),
    shortenPause: assign(given(to.shortenPause)),
    takeProcess: assign(given(to.takeProcess)),
    loseSight: assign({ unseenSeq: ({ event }) => event.seq }),
    forgetExit: assign({ exitedSeq: null, exitedAtMs: null }),
    takeWait: assign(given(to.takeWait)),
  },
  guards: {
    becomes: ({ context, event }, state: ContainerState) =>
      judge.becomes(context, event as never, state),
    historyLost: given(judge.historyLost),
    choiceChanged: given(choose.choiceChanged),
    isCurrent: ({ context, event }) => judge.isCurrent(context, event as never),
    retryDue: given(judge.retryDue),
    lockArrived: given(judge.lockArrived),
    unkillableElsewhere: given(judge.reportedElsewhere("unkillable")),
    runsElsewhere: given(judge.reportedElsewhere("running")),
    startsElsewhere: given(judge.reportedElsewhere("starting")),
    hasExited: given(judge.hasExited),
    lastProcessEnds: given(judge.lastProcessEnds),
    waitChanged: given(judge.waitChanged),
    notRejected: ({ context }) => judge.notRejected(context),
    wanted: ({ context }) => judge.wanted(context),
    // Until a newer record is read, the exit is what keeps it from being judged by this one.
    awaitsRecord: or([stateIn({ record: "Locked" }), stateIn({ record: "Running" })]),
  },
});

const ask = (kind: "container.lock" | "container.unlock" | "container.cancel") => ({
  type: "commands" as const,
  params: ({ context: { containerId, rejection, unfit }, event }: Args): CommandDraft[] => {
    if (kind !== "container.cancel") return [{ kind, containerId }];
    // That no type fits it is not why one ends that had been started: it may have run by another config.
    const isUnfit = unfit !== "" && (event as { reason?: string }).reason === unfit;
    const error = rejection || (isUnfit ? unfit : "");
    return [error === "" ? { kind, containerId } : { kind, containerId, error }];
  },
});

/** To the state that the API names. Whoever has moved it may have a process of it that no worker has told of. */
const toRecord = (take: "takeRecord" | "takePriority") =>
  RECORD_STATES.map((state) => {
    const actions = [take, "loseSight"] as const;
    return { guard: { type: "becomes", params: state }, target: `#${state}`, actions } as const;
  });

/** To the state that an answer of the API names. */
const toResult = RECORD_STATES.map(
  (state) =>
    ({
      guard: { type: "becomes", params: state },
      target: `#${state}`,
      actions: "takeResult",
    }) as const,
);

const recordEvents = (id: ContainerState) =>
  ({
    "container.changed": [
      { guard: { type: "becomes", params: id }, actions: "takePriority" },
      ...toRecord("takePriority"),
    ],
    "container.missing": { guard: "isCurrent", target: "#unlisted" },
    "operation.succeeded": toResult,
    "forget.decided": { target: "#unlisted" },
  }) as const;

const listed = (id: ContainerState) => ({ id, on: recordEvents(id) }) as const;

const takeCancel = { guard: "notRejected", actions: "takeCancel" } as const;
/** One that has not ended. */
const open = (id: ContainerState) =>
  ({ id, on: { ...recordEvents(id), "cancel.requested": takeCancel } }) as const;

/** What a worker tells of a process, where no other worker reports more. */
const noticed = {
  starting: { target: "starting", actions: "takeProcess" },
  running: { target: "running", actions: "takeProcess" },
  unkillable: { target: "unkillable", actions: "takeProcess" },
  exited: { guard: "hasExited", target: "exited", actions: "takeProcess" },
  absent: { target: "absent", actions: "takeProcess" },
} as const;
/** It goes by the worker that reports most: by one that cannot kill it, else by one on which it runs. */
const elsewhere = {
  unkillable: { ...noticed.unkillable, guard: "unkillableElsewhere" },
  running: { ...noticed.running, guard: "runsElsewhere" },
  starting: { ...noticed.starting, guard: "startsElsewhere" },
} as const;
const over = [noticed.exited, noticed.absent] as const;
/** Where no worker reports one. */
const first = {
  "process.starting": noticed.starting,
  "process.seen": noticed.running,
  "process.unkillable": noticed.unkillable,
} as const;

const calling = {
  meta: { dueAtMs: never },
  on: {
    "operation.succeeded": { target: "none", actions: "clearFailure" },
    "operation.failed": { target: "pausing", actions: "rememberFailure" },
    // Its outcome is unknown until a poll that begins after the start (docs/design.md: crash in flight).
    "daemon.started": { target: "none", actions: "doubt" },
  },
} as const;

const takeWait = { guard: "waitChanged", actions: "takeWait" } as const;

/**
 * One container, as three questions that must never be mixed up: what the API last said (record), which one call of ours
 * is in flight (operation), and what the workers report (process).
 */
export const containerMachine = chart.createMachine({
  id: "container",
  type: "parallel",
  context: ({ input }) => to.bornContext(input),
  states: {
    record: {
      initial: "unlisted",
      on: {
        "wait.decided": takeWait,
        // Types are chosen once in a run of the dispatcher, by the config that it was started with (specification §4.2).
        "daemon.started": { guard: "choiceChanged", actions: "takeChoice" },
      },
      states: {
        unlisted: {
          id: "unlisted",
          on: {
            "container.added": toRecord("takeRecord"),
            "container.rejected": toRecord("takeRecord"),
          },
        },
        Queued: {
          id: "Queued",
          on: {
            ...recordEvents("Queued"),
            "cancel.requested": { ...takeCancel, guard: and(["notRejected", "wanted"]) },
          },
        },
        Locked: open("Locked"),
        Running: open("Running"),
        Complete: listed("Complete"),
        Cancelled: listed("Cancelled"),
      },
    },
    operation: {
      initial: "none",
      states: {
        none: {
          meta: { dueAtMs: never },
          on: {
            "lock.decided": { target: "locking" },
            "unlock.decided": { target: "unlocking" },
            "requeue.decided": { target: "requeueing" },
            "cancel.decided": { target: "cancelling" },
            "process.killing": { target: "killing" },
          },
        },
        locking: { entry: ask("container.lock"), ...calling },
        unlocking: { entry: ask("container.unlock"), ...calling },
        requeueing: { entry: ask("container.unlock"), ...calling },
        cancelling: { entry: ask("container.cancel"), ...calling },
        killing: {
          meta: { dueAtMs: never },
          on: {
            "process.ended": { guard: "lastProcessEnds", target: "none" },
          },
        },
        pausing: {
          meta: { dueAtMs: ({ context }) => context.retryAtMs },
          on: {
            "clock.ticked": { guard: "retryDue", target: "none", actions: "endPause" },
            "container.changed": { guard: "lockArrived", actions: "shortenPause" },
            "daemon.started": { target: "none", actions: ["endPause", "doubt"] },
            "process.killing": { target: "killing", actions: "endPause" },
          },
        },
      },
    },
    process: {
      initial: "absent",
      states: {
        absent: {
          on: {
            ...first,
            // An older journal may not know what was started since.
            "daemon.started": { guard: "awaitsRecord", actions: "loseSight" },
          },
        },
        starting: { on: { ...first, "process.ended": [elsewhere.starting, ...over] } },
        running: {
          on: {
            ...first,
            "process.starting": noticed.running,
            "process.ended": [elsewhere.running, elsewhere.starting, ...over],
          },
        },
        unkillable: {
          on: {
            ...first,
            "process.starting": noticed.unkillable,
            "process.seen": [elsewhere.unkillable, noticed.running],
            "process.ended": [elsewhere.unkillable, elsewhere.running, elsewhere.starting, ...over],
          },
        },
        exited: {
          on: {
            ...first,
            // By an older journal: it may have been started again since.
            "daemon.started": {
              guard: "historyLost",
              target: "absent",
              actions: ["forgetExit", "loseSight"],
            },
            // A kill of what has ended only clears the exit (specification §6.7).
            "kill.decided": { guard: not("awaitsRecord"), target: "absent", actions: "forgetExit" },
          },
        },
      },
    },
  },
});

/** Of its regions only this one waits for a time. */
export const operationMeta = metaOf(containerMachine.root, "operation");

export type ContainerSnapshot = SnapshotFrom<typeof containerMachine>;

/** Nothing is left to know of it: the queue has dropped it and no worker reports it. */
export function isForgotten({ value }: ContainerSnapshot): boolean {
  return value.record === "unlisted" && value.process === "absent" && value.operation === "none";
}
