import { and, assign, not, setup, stateIn } from "xstate";
import type { SnapshotFrom } from "xstate";
import type { CommandDraft, IdleBehavior } from "../model/command.ts";
import type { Notice } from "../model/notice.ts";
import { restore } from "../step.ts";
import * as act from "./worker.actions.ts";
import { given } from "./worker.actions.ts";
import * as to from "./worker.assigns.ts";
import * as judge from "./worker.guards.ts";
import * as refused from "./worker.refusals.ts";
import type {
  BootOutcome,
  WorkerContext,
  WorkerEvent,
  WorkerEventOf,
  WorkerInput,
} from "./worker.types.ts";

const chart = setup({
  types: { context: {} as WorkerContext, events: {} as WorkerEvent, input: {} as WorkerInput },
  actions: {
    // These two never run: step() reads their params as data.
    commands: (_, _commands: CommandDraft[]) => {},
    notices: (_, _notices: Notice[]) => {},
    takeInstance: assign(given(to.takeInstance)),
    takeUnknown: assign(given(to.takeUnknown)),
    doubtCreate: assign(given(to.doubtCreate)),
    closeCreate: assign({ createOpen: false }),
    loseCreate: assign(given(to.loseCreate)),
    takeAddress: assign(given(to.takeAddress)),
    rememberMissing: assign({
      missingSinceMs: ({ event }) => (event as WorkerEventOf<"instance.missing">).listStartedAtMs,
    }),
    rememberSsh: assign({ sshConnectedAtMs: ({ event }) => event.atMs }),
    rememberError: assign({
      lastError: ({ event }) => (event as WorkerEventOf<"probe.failed">).error,
    }),
    rememberBoot: assign(given(to.rememberBoot)),
    rememberOutcome: assign({
      bootOutcome: ({ context }, outcome: BootOutcome) => context.bootOutcome ?? outcome,
    }),
    takeListing: assign(given(to.takeListing)),
    beginStart: assign(given(to.beginStart)),
    settleStart: assign(given(to.settleStart)),
    beginKill: assign(given(to.beginKillOf)),
    rememberKills: assign(given(to.rememberKills)),
    dropProcess: assign(given(to.dropProcess)),
    beginAgain: assign(given(to.beginAgain)),
    becomeIdle: assign(given(to.becomeIdle)),
    leaveIdle: assign({ idleDeadlineAtMs: null }),
    rememberReason: assign({
      shutdownReason: ({ context }, reason: string) => context.shutdownReason || reason,
    }),
    rememberBehavior: assign({ behaviorReason: (_, reason: string) => reason }),
    rememberDestroy: assign(given(refused.rememberDestroy)),
    takeAccepted: assign(given(refused.takeAccepted)),
    countDestroyRefused: assign(given(refused.countDestroyRefused)),
    countTagsRefused: assign(given(refused.countTagsRefused)),
    forgetTagsRefused: assign({ tagsRefused: null }),
    // One whose probes fail has its outcome already, or it stays open until the instance is gone (specification §7.3).
    rememberAborted: assign({
      bootOutcome: ({ context, event }) =>
        context.bootOutcome ?? (event.type === "probe.failed" ? null : ("aborted" as const)),
    }),
  },
  guards: {
    booted: given(judge.booted),
    bootProbePassed: given(judge.bootProbePassed),
    listingChanged: given(judge.listingChanged),
    overdueForBoot: given(judge.overdueForBoot),
    overdueWhileUnknown: given(judge.overdueWhileUnknown),
    overdueForProbe: given(judge.overdueForProbe),
    newError: given(judge.newError),
    tooManyReported: given(judge.tooManyReported),
    brokenReported: given(judge.brokenReported),
    idleOverdue: given(judge.idleOverdue),
    unknownOverdue: given(judge.unknownOverdue),
    listedAfterDeadline: given(judge.listedAfterDeadline),
    outcomeUnknown: given(judge.outcomeUnknown),
    killDue: given(judge.killDue),
    killGivenUp: given(judge.killGivenUp),
    firstMissing: given(judge.firstMissing),
    goneFromLists: given(judge.goneFromLists),
    instanceChanged: given(judge.instanceChanged),
    stillListed: given(judge.stillListed),
    isNewestDestroy: given(refused.isNewestDestroy),
    hadTagsRefused: ({ context }) => context.tagsRefused !== null,
    fromEarlierRun: given(judge.fromEarlierRun),
    isNewProcess: given(judge.isNewProcess),
    startPending: given(judge.startPending),
    isKillable: given(judge.isKillable),
    processGone: given(judge.processGone),
    typeRemoved: given(judge.typeRemoved),
    createOpen: ({ context }) => context.createOpen,
    firstConnection: ({ context }) => context.sshConnectedAtMs === null,
    noProcesses: ({ context }) => judge.isEmpty(context.processes),
    hasProcesses: ({ context }) => !judge.isEmpty(context.processes),
    allGivenUp: ({ context }) => judge.allGivenUp(context),
    tagsDiffer: ({ context, event }, behavior: IdleBehavior) =>
      judge.tagsDiffer(context, event as WorkerEventOf<"instance.seen">, behavior),
    asked: ({ event }, behavior: IdleBehavior) =>
      (event as WorkerEventOf<"behavior.requested">).behavior === behavior,
    named: ({ context }) => context.instanceId !== "",
    draining: stateIn({ idleBehavior: "drain" }),
    held: stateIn({ idleBehavior: "hold" }),
    accepting: stateIn({ idleBehavior: "run" }),
  },
});

/** What every worker answers that the cloud has named and nobody has given up. */
const alive = {
  "instance.seen": { guard: "instanceChanged", actions: "takeAddress" },
  "instance.missing": [
    { guard: "goneFromLists", target: "gone" },
    { guard: "firstMissing", actions: "rememberMissing" },
  ],
  "create.succeeded": { guard: "createOpen", actions: "closeCreate" },
  "create.failed": { guard: "createOpen", actions: "closeCreate" },
  "ssh.connected": { guard: "firstConnection", actions: "rememberSsh" },
  "daemon.started": { target: "unknown", actions: "beginAgain" },
  "shutdown.requested": { target: "shutdown", actions: act.operatorsReason },
  "kill.decided": {
    guard: "isKillable",
    actions: [act.sendFirstSignal, act.tellKilling, "beginKill"],
  },
  "kill.returned": { guard: "processGone", actions: [act.tellKilled, "dropProcess"] },
  "start.returned": { guard: "startPending", actions: [act.tellStarted, "settleStart"] },
} as const;

const killsDue = {
  guard: "killDue",
  actions: [act.sendSignals, act.tellUnkillable, "rememberKills"],
} as const;

const acceptStart = {
  guard: and(["accepting", "isNewProcess"]),
  target: "running",
  actions: [act.startProcess, act.tellStarting, "beginStart"],
} as const;

const takeListing = { guard: "listingChanged", actions: [act.tellListing, "takeListing"] } as const;

/** A worker that has booted must answer within TimeoutProbe (specification §7.3). */
const answerOrElse = [
  {
    guard: and(["overdueForProbe", not("held")]),
    target: "shutdown",
    actions: act.unanswered,
  },
  { guard: "newError", actions: "rememberError" },
] as const;

/** One whose boot probe has passed has no outcome yet: it gets `disappeared` with its end (specification §7.3). */
function bootOrElse(overdue: "overdueForBoot" | "overdueWhileUnknown") {
  const why = overdue === "overdueForBoot" ? act.bootTimedOut : act.unanswered;
  return [
    {
      guard: and([overdue, not("held"), "bootProbePassed"]),
      target: "shutdown",
      actions: why,
    },
    {
      guard: and([overdue, not("held")]),
      target: "shutdown",
      actions: [why, { type: "rememberOutcome", params: "failure" }],
    },
    { guard: "newError", actions: "rememberError" },
  ] as const;
}

const booted = {
  guard: "booted",
  target: "idle",
  actions: [act.tellListing, "takeListing", "rememberBoot"],
} as const;

const toBehavior = (behavior: IdleBehavior) =>
  ({
    guard: { type: "asked", params: behavior },
    target: behavior,
    actions: [act.operatorsBehavior, act.saveTags(behavior)],
  }) as const;

const tagsOf = (behavior: IdleBehavior) =>
  ({ guard: { type: "tagsDiffer", params: behavior }, actions: act.saveTags(behavior) }) as const;

const drainAsBroken = [
  {
    guard: "tooManyReported",
    target: "drain",
    actions: [
      { type: "rememberOutcome", params: "failure" },
      act.tooManyProcesses,
      act.saveTags("drain"),
    ],
  },
  {
    guard: "brokenReported",
    target: "drain",
    actions: [
      { type: "rememberOutcome", params: "failure" },
      act.behaveBecause("the worker reported itself broken"),
      act.saveTags("drain"),
    ],
  },
] as const;

const drainAsUnkillable = {
  guard: "killGivenUp",
  target: "drain",
  actions: [act.behaveBecause("a process did not obey SIGTERM"), act.saveTags("drain")],
} as const;

const drainAsRemoved = {
  guard: "typeRemoved",
  target: "drain",
  actions: [act.behaveBecause("its instance type is not configured"), act.saveTags("drain")],
} as const;

const shutDownUnkillable = {
  guard: and(["draining", "hasProcesses", "allGivenUp"]),
  target: "shutdown",
  actions: act.because("drained, and no process obeys SIGTERM"),
} as const;

/**
 * One VM (specification §7.3): what the cloud and the probes tell of it, and what an operator or the planner wants of it.
 * Deadlines are in the context, the time is in the event.
 */
export const workerMachine = chart.createMachine({
  id: "worker",
  type: "parallel",
  context: ({ input }) => to.bornContext(input),
  states: {
    // First, so that a worker that boots and says at once that it is broken has failed to boot.
    idleBehavior: {
      initial: "run",
      on: {
        "tags.failed": { actions: "countTagsRefused" },
        "tags.saved": { guard: "hadTagsRefused", actions: "forgetTagsRefused" },
      },
      states: {
        run: {
          on: {
            "behavior.requested": [toBehavior("hold"), toBehavior("drain")],
            "instance.seen": tagsOf("run"),
            "probe.succeeded": drainAsBroken,
            "probe.failed": drainAsBroken,
            "clock.ticked": drainAsUnkillable,
            "daemon.started": drainAsRemoved,
          },
        },
        hold: {
          on: {
            "behavior.requested": [toBehavior("run"), toBehavior("drain")],
            "instance.seen": tagsOf("hold"),
          },
        },
        drain: {
          on: {
            "behavior.requested": [toBehavior("run"), toBehavior("hold")],
            "instance.seen": tagsOf("drain"),
          },
        },
      },
    },
    lifecycle: {
      initial: "creating",
      states: {
        creating: {
          entry: act.create,
          on: {
            "instance.seen": [
              // An older journal may not know what it has run since.
              { guard: "fromEarlierRun", target: "unknown", actions: "takeUnknown" },
              { target: "booting", actions: "takeInstance" },
            ],
            "create.succeeded": { target: "booting", actions: "takeInstance" },
            "create.failed": [
              { guard: "outcomeUnknown", actions: "loseCreate" },
              { target: "gone", actions: act.because("the cloud refused to create it") },
            ],
            "instance.taken": {
              target: "gone",
              actions: act.because("another worker stands for its instance"),
            },
            "daemon.started": { actions: ["loseCreate", "doubtCreate"] },
            "instance.missing": [
              {
                guard: and(["listedAfterDeadline", "goneFromLists"]),
                target: "gone",
                actions: act.because("the cloud never listed it"),
              },
              // A list that began before its VM could no longer come tells nothing of it.
              {
                guard: and(["listedAfterDeadline", "firstMissing"]),
                actions: "rememberMissing",
              },
            ],
          },
        },
        unknown: {
          always: shutDownUnkillable,
          on: {
            ...alive,
            "probe.succeeded": [booted, takeListing],
            "probe.failed": bootOrElse("overdueWhileUnknown"),
            "clock.ticked": [
              killsDue,
              {
                guard: and(["unknownOverdue", not("held")]),
                target: "shutdown",
                actions: act.because("still unknown, and its time to boot is over"),
              },
            ],
          },
        },
        booting: {
          always: {
            guard: "draining",
            target: "shutdown",
            actions: act.drainedBecause("drained while booting"),
          },
          on: {
            ...alive,
            "probe.succeeded": booted,
            "probe.failed": bootOrElse("overdueForBoot"),
            "shutdown.decided": {
              guard: not("held"),
              target: "shutdown",
              actions: act.plannersReason,
            },
          },
        },
        idle: {
          entry: "becomeIdle",
          exit: "leaveIdle",
          always: [
            { guard: "hasProcesses", target: "running" },
            { guard: "draining", target: "shutdown", actions: act.drainedBecause("drained") },
          ],
          on: {
            ...alive,
            "probe.succeeded": takeListing,
            "probe.failed": answerOrElse,
            "start.decided": acceptStart,
            "clock.ticked": {
              guard: and(["idleOverdue", not("held")]),
              target: "shutdown",
              actions: act.because("idle for TimeoutIdle"),
            },
            "shutdown.decided": {
              guard: not("held"),
              target: "shutdown",
              actions: act.plannersReason,
            },
          },
        },
        running: {
          always: [{ guard: "noProcesses", target: "idle" }, shutDownUnkillable],
          on: {
            ...alive,
            "probe.succeeded": takeListing,
            "probe.failed": answerOrElse,
            "start.decided": acceptStart,
            "clock.ticked": killsDue,
          },
        },
        shutdown: {
          entry: ["rememberDestroy", "rememberAborted", act.destroy],
          on: {
            "instance.seen": [
              { guard: "stillListed", actions: ["takeAddress", act.destroy, "rememberDestroy"] },
              { guard: "instanceChanged", actions: "takeAddress" },
            ],
            "destroy.accepted": { guard: "isNewestDestroy", actions: "takeAccepted" },
            "destroy.failed": { guard: "isNewestDestroy", actions: "countDestroyRefused" },
            "instance.missing": alive["instance.missing"],
            "create.succeeded": alive["create.succeeded"],
            "create.failed": alive["create.failed"],
            "daemon.started": { actions: ["beginAgain", act.destroy, "rememberDestroy"] },
            "shutdown.requested": { actions: [act.destroy, "rememberDestroy"] },
          },
        },
        gone: {
          type: "final",
          entry: [act.tellAbandoned, { type: "rememberOutcome", params: "disappeared" }],
        },
      },
    },
  },
});

export type WorkerSnapshot = SnapshotFrom<typeof workerMachine>;

/** A worker that was found in the cloud: nobody has probed it yet, and it may be running a container (specification §7.3). */
export function foundWorker(input: WorkerInput, idleBehavior: IdleBehavior): WorkerSnapshot {
  return restore(workerMachine, {
    value: { lifecycle: "unknown", idleBehavior },
    context: to.bornContext(input),
  });
}
