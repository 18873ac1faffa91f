import { assign, setup, stateIn } from "xstate";
import type { CommandDraft, IdleBehavior } from "../model/command.ts";
import type { Notice } from "../model/notice.ts";
import { given } from "./worker.actions.ts";
import * as to from "./worker.assigns.ts";
import * as judge from "./worker.guards.ts";
import * as refused from "./worker.refusals.ts";
import type { LifecycleMeta } from "./worker.states.ts";
import type {
  BootOutcome,
  WorkerContext,
  WorkerEvent,
  WorkerEventOf,
  WorkerInput,
} from "./worker.types.ts";

/** What the chart of a worker calls its actions and guards. */
export const workerChart = setup({
  types: {
    context: {} as WorkerContext,
    events: {} as WorkerEvent,
    input: {} as WorkerInput,
    meta: {} as LifecycleMeta,
  },
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
    forgetProcesses: assign({ processes: {} }),
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
    historyLost: given(judge.historyLost),
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
