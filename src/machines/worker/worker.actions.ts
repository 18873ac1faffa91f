import { formatSpan } from "../model/amounts.ts";
import type { CommandDraft, IdleBehavior } from "../model/command.ts";
import type { Notice } from "../model/notice.ts";
import { reportedCount } from "./worker.guards.ts";
import { reportedMax } from "./worker.report.ts";
import { abandonNotices, dueKills, listingChange, newKills } from "./worker.processes.ts";
import type { WorkerContext, WorkerEvent, WorkerEventOf } from "./worker.types.ts";

/**
 * What a worker asks for, tells and gives as its reason, as parameters of named actions: `step()` reads them as data.
 */
interface Args {
  context: WorkerContext;
  event: WorkerEvent;
}

/** The chart's `on` has already chosen the event: its type is narrowed here, once. */
export const given =
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

export const because = (reason: string) => ({ type: "rememberReason" as const, params: reason });

export const behaveBecause = (reason: string) => ({
  type: "rememberBehavior" as const,
  params: reason,
});

/** With what made it drain, where that is known. */
export const drainedBecause = (reason: string) => ({
  type: "rememberReason" as const,
  params: ({ context: { behaviorReason } }: Args) =>
    behaviorReason === "" ? reason : `${reason}: ${behaviorReason}`,
});

const signal = (context: WorkerContext, containerId: string): CommandDraft => ({
  kind: "process.kill",
  workerId: context.workerId,
  instanceId: context.instanceId,
  containerId,
  signal: 15,
});

export const create = ask(({ workerId, instanceType }) => [
  { kind: "instance.create", workerId, instanceType },
]);

export const destroy = ask(({ workerId, instanceId }) => [
  { kind: "instance.destroy", workerId, instanceId },
]);

export const saveTags = (idleBehavior: IdleBehavior) =>
  ask(({ workerId, instanceId, instanceType }) =>
    instanceId === ""
      ? []
      : [{ kind: "instance.setTags", workerId, instanceId, instanceType, idleBehavior }],
  );

export const startProcess = ask<WorkerEventOf<"start.decided">>(
  ({ workerId, instanceId }, { containerId }) => [
    { kind: "process.start", workerId, instanceId, containerId },
  ],
);

export const sendFirstSignal = ask<WorkerEventOf<"kill.decided">>((context, event) =>
  newKills(context, event).map(({ containerId }) => signal(context, containerId)),
);

export const tellAbandoned = tell(abandonNotices);

export const tellStarting = tell<WorkerEventOf<"start.decided">>(
  ({ workerId }, { containerId }) => [{ type: "process.starting", containerId, workerId }],
);

export const tellStarted = tell<WorkerEventOf<"start.returned">>(
  ({ workerId }, { containerId, outcome }) =>
    outcome === "started" ? [{ type: "process.seen", containerId, workerId }] : [],
);

export const tellListing = tell<WorkerEventOf<"probe.succeeded">>(
  (context, event) => listingChange(context, event)?.notices ?? [],
);

export const tellKilling = tell<WorkerEventOf<"kill.decided">>((context, event) =>
  newKills(context, event).map(({ containerId, reason }) => ({
    type: "process.killing",
    containerId,
    workerId: context.workerId,
    reason,
  })),
);

export const tellKilled = tell<WorkerEventOf<"kill.returned">>(({ workerId }, { containerId }) => [
  { type: "process.ended", containerId, workerId, how: "exited" },
]);

export const sendSignals = ask((context, { atMs }) =>
  dueKills(context, atMs).signal.map((containerId) => signal(context, containerId)),
);

export const tellUnkillable = tell((context, { atMs }) =>
  dueKills(context, atMs).giveUp.map((containerId) => ({
    type: "process.unkillable",
    containerId,
    workerId: context.workerId,
  })),
);

export const operatorsReason = {
  type: "rememberReason" as const,
  params: given(
    (_context, event: WorkerEventOf<"shutdown.requested">) => `an operator asked: ${event.reason}`,
  ),
};

export const plannersReason = {
  type: "rememberReason" as const,
  params: given((_context, event: WorkerEventOf<"shutdown.decided">) => event.reason),
};

export const unanswered = {
  type: "rememberReason" as const,
  params: given((_context, event: WorkerEventOf<"probe.failed">) => {
    return `no good answer to a probe for ${formatSpan(event.startedAtMs - event.lastGoodProbeAtMs)}`;
  }),
};

export const tooManyProcesses = {
  type: "rememberBehavior" as const,
  params: given((context, event: WorkerEventOf<"probe.succeeded" | "probe.failed">) => {
    const max = reportedMax(event.settings, context.instanceType);
    return `the worker is broken: it named ${reportedCount(event)} processes, and may have ${max}`;
  }),
};

/** The same of one that has not become ready in its time. */
export const bootTimedOut = {
  type: "rememberReason" as const,
  params: given((_context, event: WorkerEventOf<"probe.failed">) => {
    const limit = `TimeoutBooting ${formatSpan(event.settings.timeoutBootingMs)}`;
    const silent = `no good answer to a probe for ${formatSpan(event.startedAtMs - event.lastGoodProbeAtMs)}`;
    const passed = event.booted ? "its boot probe passed, and its runner gives " : "";
    return `boot timed out (${limit}): ${passed}${silent}`;
  }),
};

export const operatorsBehavior = {
  type: "rememberBehavior" as const,
  params: given(
    (_context, event: WorkerEventOf<"behavior.requested">) => `an operator asked: ${event.reason}`,
  ),
};
