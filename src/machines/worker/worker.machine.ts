import { and, not } from "xstate";
import type { SnapshotFrom } from "xstate";
import { metaOf, never } from "../chart/state-meta.ts";
import type { IdleBehavior } from "../model/command.ts";
import { restore } from "../step.ts";
import * as act from "./worker.actions.ts";
import { bornContext } from "./worker.assigns.ts";
import { fromEarlierRun } from "./worker.guards.ts";
import { workerChart } from "./worker.setup.ts";
import { idleDueAtMs, isOfEarlierRun, nextSignalAtMs, unknownDueAtMs } from "./worker.states.ts";
import type { WorkerInput } from "./worker.types.ts";

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
  "daemon.started": [
    // What ran by an older journal may have ended since, and have been started again elsewhere.
    {
      guard: "historyLost",
      target: "unknown",
      actions: [act.tellAbandoned, "forgetProcesses", "beginAgain"],
    },
    { target: "unknown", actions: "beginAgain" },
  ],
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

const yes = (): boolean => true;
const no = (): boolean => false;

/**
 * One VM (specification §7.3): what the cloud and the probes tell of it, and what an operator or the planner wants of it.
 * Deadlines are in the context, the time is in the event.
 */
export const workerMachine = workerChart.createMachine({
  id: "worker",
  type: "parallel",
  context: ({ input }) => bornContext(input),
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
          meta: { dueAtMs: never, shownAs: "booting", isProbed: false, mayHide: fromEarlierRun },
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
          meta: { dueAtMs: unknownDueAtMs, shownAs: "unknown", isProbed: true, mayHide: yes },
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
          meta: { dueAtMs: never, shownAs: "booting", isProbed: true, mayHide: no },
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
          meta: { dueAtMs: idleDueAtMs, shownAs: "idle", isProbed: true, mayHide: isOfEarlierRun },
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
          meta: {
            dueAtMs: nextSignalAtMs,
            shownAs: "running",
            isProbed: true,
            mayHide: isOfEarlierRun,
          },
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
          meta: { dueAtMs: never, shownAs: "shutdown", isProbed: false, mayHide: no },
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
          meta: { dueAtMs: never, shownAs: "shutdown", isProbed: false, mayHide: no },
          type: "final",
          entry: [act.tellAbandoned, { type: "rememberOutcome", params: "disappeared" }],
        },
      },
    },
  },
});

export const lifecycleMeta = metaOf(workerMachine.root, "lifecycle");

export type WorkerSnapshot = SnapshotFrom<typeof workerMachine>;

/** Whether it may run what this run of the dispatcher has not started. */
export function mayHide({ value, context }: WorkerSnapshot, startedSeq: number): boolean {
  return lifecycleMeta(value.lifecycle).mayHide(context, startedSeq);
}

/** A worker that was found in the cloud: nobody has probed it yet, and it may be running a container (specification §7.3). */
export function foundWorker(input: WorkerInput, idleBehavior: IdleBehavior): WorkerSnapshot {
  return restore(workerMachine, {
    value: { lifecycle: "unknown", idleBehavior },
    context: bornContext(input),
  });
}
