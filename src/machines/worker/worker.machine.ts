import { and, assign, not, setup, stateIn } from "xstate";
import type { SnapshotFrom } from "xstate";
import type { CommandDraft, IdleBehavior } from "../model/command.ts";
import type { Notice } from "../model/notice.ts";
import { restore } from "../step.ts";
import * as to from "./worker.assigns.ts";
import * as judge from "./worker.guards.ts";
import { abandonNotices, dueKills, listingChange } from "./worker.processes.ts";
import type {
  BootOutcome,
  WorkerContext,
  WorkerEvent,
  WorkerEventOf,
  WorkerInput,
} from "./worker.types.ts";

interface Args {
  context: WorkerContext;
  event: WorkerEvent;
}

/** The chart's `on` has already chosen the event: its type is narrowed here, once. */
const given =
  <E extends WorkerEvent, R>(decide: (context: WorkerContext, event: E) => R) =>
  ({ context, event }: Args): R =>
    decide(context, event as E);

const ask = <E extends WorkerEvent>(
  drafts: (context: WorkerContext, event: E) => CommandDraft[],
) => ({
  type: "commands" as const,
  params: given(drafts),
});

const tell = <E extends WorkerEvent>(notices: (context: WorkerContext, event: E) => Notice[]) => ({
  type: "notices" as const,
  params: given(notices),
});

const because = (reason: string) => ({ type: "rememberReason" as const, params: reason });

const chart = setup({
  types: { context: {} as WorkerContext, events: {} as WorkerEvent, input: {} as WorkerInput },
  actions: {
    // These two never run: step() reads their params as data.
    commands: (_, _commands: CommandDraft[]) => {},
    notices: (_, _notices: Notice[]) => {},
    takeInstance: assign(given(to.takeInstance)),
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
    rememberDestroy: assign({
      destroyedAtMs: ({ event }) => event.atMs,
      updatedSeq: ({ event }) => event.seq,
      bootOutcome: ({ context }) => context.bootOutcome ?? ("aborted" as const),
    }),
  },
  guards: {
    booted: given(judge.booted),
    listingChanged: given(judge.listingChanged),
    overdueForBoot: given(judge.overdueForBoot),
    overdueForProbe: given(judge.overdueForProbe),
    newError: given(judge.newError),
    brokenReported: given(judge.brokenReported),
    idleOverdue: given(judge.idleOverdue),
    unknownOverdue: given(judge.unknownOverdue),
    deadlinePassed: given(judge.deadlinePassed),
    outcomeUnknown: given(judge.outcomeUnknown),
    killDue: given(judge.killDue),
    killGivenUp: given(judge.killGivenUp),
    firstMissing: given(judge.firstMissing),
    goneFromLists: given(judge.goneFromLists),
    instanceChanged: given(judge.instanceChanged),
    stillListed: given(judge.stillListed),
    isNewProcess: given(judge.isNewProcess),
    startPending: given(judge.startPending),
    isKillable: given(judge.isKillable),
    processGone: given(judge.processGone),
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

const signal = (context: WorkerContext, containerId: string): CommandDraft => ({
  kind: "process.kill",
  workerId: context.workerId,
  instanceId: context.instanceId,
  containerId,
  signal: 15,
});

const create = ask(({ workerId, instanceType }) => [
  { kind: "instance.create", workerId, instanceType },
]);

const destroy = ask(({ workerId, instanceId }) => [
  { kind: "instance.destroy", workerId, instanceId },
]);

const saveTags = (idleBehavior: IdleBehavior) =>
  ask(({ workerId, instanceId, instanceType }) =>
    instanceId === ""
      ? []
      : [{ kind: "instance.setTags", workerId, instanceId, instanceType, idleBehavior }],
  );

const startProcess = ask<WorkerEventOf<"start.decided">>(
  ({ workerId, instanceId }, { containerId }) => [
    { kind: "process.start", workerId, instanceId, containerId },
  ],
);

const tellStarting = tell<WorkerEventOf<"start.decided">>(({ workerId }, { containerId }) => [
  { type: "process.starting", containerId, workerId },
]);

const tellListing = tell<WorkerEventOf<"probe.succeeded">>(
  (context, event) => listingChange(context, event)?.notices ?? [],
);

const tellKilling = tell<WorkerEventOf<"kill.decided">>(({ workerId }, { containerId, reason }) => [
  { type: "process.killing", containerId, workerId, reason },
]);

const tellKilled = tell<WorkerEventOf<"kill.returned">>(({ workerId }, { containerId }) => [
  { type: "process.ended", containerId, workerId, how: "exited" },
]);

const sendSignals = ask((context, { atMs }) =>
  dueKills(context, atMs).signal.map((containerId) => signal(context, containerId)),
);

const tellUnkillable = tell((context, { atMs }) =>
  dueKills(context, atMs).giveUp.map((containerId) => ({
    type: "process.unkillable",
    containerId,
    workerId: context.workerId,
  })),
);

const operatorsReason = {
  type: "rememberReason" as const,
  params: given(
    (_context, event: WorkerEventOf<"shutdown.requested">) => `an operator asked: ${event.reason}`,
  ),
};

const plannersReason = {
  type: "rememberReason" as const,
  params: given((_context, event: WorkerEventOf<"shutdown.decided">) => event.reason),
};

const unanswered = {
  type: "rememberReason" as const,
  params: given((_context, event: WorkerEventOf<"probe.failed">) => {
    const seconds = Math.round((event.startedAtMs - event.lastGoodProbeAtMs) / 1000);
    return `no good answer to a probe for ${seconds} s`;
  }),
};

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
  "shutdown.requested": { target: "shutdown", actions: operatorsReason },
  "kill.decided": {
    guard: "isKillable",
    actions: [
      ask<WorkerEventOf<"kill.decided">>((context, event) => [signal(context, event.containerId)]),
      tellKilling,
      "beginKill",
    ],
  },
  "kill.returned": { guard: "processGone", actions: [tellKilled, "dropProcess"] },
  "start.returned": { guard: "startPending", actions: "settleStart" },
} as const;

const killsDue = {
  guard: "killDue",
  actions: [sendSignals, tellUnkillable, "rememberKills"],
} as const;

const acceptStart = {
  guard: and(["accepting", "isNewProcess"]),
  target: "running",
  actions: [startProcess, tellStarting, "beginStart"],
} as const;

const takeListing = { guard: "listingChanged", actions: [tellListing, "takeListing"] } as const;

/** A worker that has booted must answer within TimeoutProbe (spec §7.3). */
const answerOrElse = [
  {
    guard: and(["overdueForProbe", not("held")]),
    target: "shutdown",
    actions: unanswered,
  },
  { guard: "newError", actions: "rememberError" },
] as const;

const bootOrElse = [
  {
    guard: and(["overdueForBoot", not("held")]),
    target: "shutdown",
    actions: [unanswered, { type: "rememberOutcome", params: "failure" }],
  },
  { guard: "newError", actions: "rememberError" },
] as const;

const booted = {
  guard: "booted",
  target: "idle",
  actions: [tellListing, "takeListing", "rememberBoot"],
} as const;

const toBehavior = (behavior: IdleBehavior) =>
  ({
    guard: { type: "asked", params: behavior },
    target: behavior,
    actions: saveTags(behavior),
  }) as const;

const tagsOf = (behavior: IdleBehavior) =>
  ({ guard: { type: "tagsDiffer", params: behavior }, actions: saveTags(behavior) }) as const;

const drainAsBroken = {
  guard: "brokenReported",
  target: "drain",
  actions: [
    { type: "rememberOutcome", params: "failure" },
    because("the worker reported itself broken"),
    saveTags("drain"),
  ],
} as const;

/**
 * One VM (spec §7.3): what the cloud and the probes tell of it, and what an operator or the planner wants of it.
 * Deadlines are in the context, the time is in the event.
 */
export const workerMachine = chart.createMachine({
  id: "worker",
  type: "parallel",
  context: ({ input }) => to.bornContext(input),
  states: {
    lifecycle: {
      initial: "creating",
      states: {
        creating: {
          entry: create,
          on: {
            "instance.seen": { target: "booting", actions: "takeInstance" },
            "create.succeeded": { target: "booting", actions: "takeInstance" },
            "create.failed": [
              { guard: "outcomeUnknown", actions: "loseCreate" },
              { target: "gone", actions: because("the cloud refused to create it") },
            ],
            "daemon.started": { actions: "loseCreate" },
            "clock.ticked": {
              guard: "deadlinePassed",
              target: "gone",
              actions: because("the cloud never listed it"),
            },
          },
        },
        unknown: {
          on: {
            ...alive,
            "probe.succeeded": [booted, takeListing],
            "probe.failed": bootOrElse,
            "clock.ticked": [
              killsDue,
              {
                guard: and(["unknownOverdue", not("held")]),
                target: "shutdown",
                actions: because("still unknown after TimeoutBooting"),
              },
            ],
          },
        },
        booting: {
          always: {
            guard: "draining",
            target: "shutdown",
            actions: because("drained while booting"),
          },
          on: {
            ...alive,
            "probe.succeeded": booted,
            "probe.failed": bootOrElse,
            "shutdown.decided": { guard: not("held"), target: "shutdown", actions: plannersReason },
          },
        },
        idle: {
          entry: "becomeIdle",
          exit: "leaveIdle",
          always: [
            { guard: "hasProcesses", target: "running" },
            { guard: "draining", target: "shutdown", actions: because("drained") },
          ],
          on: {
            ...alive,
            "probe.succeeded": takeListing,
            "probe.failed": answerOrElse,
            "start.decided": acceptStart,
            "clock.ticked": {
              guard: and(["idleOverdue", not("held")]),
              target: "shutdown",
              actions: because("idle for TimeoutIdle"),
            },
            "shutdown.decided": { guard: not("held"), target: "shutdown", actions: plannersReason },
          },
        },
        running: {
          always: [
            { guard: "noProcesses", target: "idle" },
            {
              guard: and(["draining", "allGivenUp"]),
              target: "shutdown",
              actions: because("drained, and no process obeys SIGTERM"),
            },
          ],
          on: {
            ...alive,
            "probe.succeeded": takeListing,
            "probe.failed": answerOrElse,
            "start.decided": acceptStart,
            "clock.ticked": killsDue,
          },
        },
        shutdown: {
          entry: ["rememberDestroy", destroy],
          on: {
            "instance.seen": [
              { guard: "stillListed", actions: ["takeAddress", destroy, "rememberDestroy"] },
              { guard: "instanceChanged", actions: "takeAddress" },
            ],
            "instance.missing": alive["instance.missing"],
            "create.succeeded": alive["create.succeeded"],
            "create.failed": alive["create.failed"],
            "daemon.started": { actions: ["beginAgain", destroy, "rememberDestroy"] },
            "shutdown.requested": { actions: [destroy, "rememberDestroy"] },
          },
        },
        gone: {
          type: "final",
          entry: [tell(abandonNotices), { type: "rememberOutcome", params: "disappeared" }],
        },
      },
    },
    idleBehavior: {
      initial: "run",
      states: {
        run: {
          on: {
            "behavior.requested": [toBehavior("hold"), toBehavior("drain")],
            "instance.seen": tagsOf("run"),
            "probe.succeeded": drainAsBroken,
            "probe.failed": drainAsBroken,
            "clock.ticked": { guard: "killGivenUp", target: "drain", actions: saveTags("drain") },
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
  },
});

export type WorkerSnapshot = SnapshotFrom<typeof workerMachine>;

/** A worker that was found in the cloud: nobody has probed it yet, and it may be running a container (spec §7.3). */
export function foundWorker(input: WorkerInput, idleBehavior: IdleBehavior): WorkerSnapshot {
  return restore(workerMachine, {
    value: { lifecycle: "unknown", idleBehavior },
    context: to.bornContext(input),
  });
}
