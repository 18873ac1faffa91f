import type { IdleBehavior } from "../model/command.ts";
import type { FactOf } from "../model/fact.ts";
import { seqOfCommand } from "../model/ids.ts";
import { unknownPatienceMs } from "./worker.assigns.ts";
import { nextDestroyAtMs } from "./worker.refusals.ts";
import { reportedMax } from "./worker.report.ts";
import { dueKills, hasGivenUp, isAsListed, listingChange, newKills } from "./worker.processes.ts";
import type { Processes, WorkerContext, WorkerEventOf } from "./worker.types.ts";

type Probe = WorkerEventOf<"probe.succeeded" | "probe.failed">;
type Tick = WorkerEventOf<"clock.ticked">;

export function isEmpty(processes: Processes): boolean {
  for (const _ in processes) return false;
  return true;
}

/** What changed after an observation began is not judged by it (specification §7.8 step 6). */
function isCurrent(context: WorkerContext, event: { basedOnSeq: number }): boolean {
  return event.basedOnSeq >= context.updatedSeq;
}

export function booted(context: WorkerContext, event: WorkerEventOf<"probe.succeeded">): boolean {
  return isCurrent(context, event) && event.booted && !startsMayTurnUp(context, event);
}

/** Until then an empty list tells nothing: what an earlier run sent may be on its way (docs/design.md: crash in flight). */
function startsMayTurnUp(
  { startsUntilMs = null }: WorkerContext,
  { startedAtMs }: WorkerEventOf<"probe.succeeded">,
): boolean {
  return startsUntilMs !== null && startedAtMs < startsUntilMs;
}

export function listingChanged(
  context: WorkerContext,
  event: WorkerEventOf<"probe.succeeded">,
): boolean {
  if (!isCurrent(context, event)) return false;
  return (
    listingChange(context, event) !== undefined ||
    event.stale !== (context.staleSinceMs !== null) ||
    context.lastError !== event.bootError
  );
}

/**
 * Whether a probe tells nothing new of a worker that idles or runs. The chart would say so too, at ten times the cost, and
 * most facts are such probes.
 */
export function isQuiet(
  { value, context }: { readonly value: { readonly lifecycle: string }; context: WorkerContext },
  {
    broken,
    stale,
    bootError,
    containerIds,
    reportedCount,
  }: Omit<FactOf<"probe.succeeded">, "atMs">,
): boolean {
  const { processes, staleSinceMs, lastError } = context;
  return (
    (value.lifecycle === "idle" || value.lifecycle === "running") &&
    !broken &&
    !stale &&
    staleSinceMs === null &&
    lastError === bootError &&
    reportedCount === undefined &&
    isAsListed(processes, containerIds)
  );
}

/**
 * Whether a list shows a worker just as it is known, and nothing is to be asked of the cloud: true of nearly every worker
 * of every list. The chart would say so too, at many times the cost.
 */
export function isAsKnown(
  {
    value: { lifecycle, idleBehavior },
    context,
  }: {
    readonly value: { readonly lifecycle: string; readonly idleBehavior: IdleBehavior };
    readonly context: WorkerContext;
  },
  { address, idleBehavior: tagged, instanceType }: Omit<FactOf<"instance.seen">, "atMs">,
): boolean {
  return (
    lifecycle !== "shutdown" &&
    context.missingSinceMs === null &&
    address === context.address &&
    tagged === idleBehavior &&
    instanceType === context.instanceType
  );
}

/** Measured from the probe's start, so that one full attempt follows the deadline (specification §7.8 step 5). */
function unansweredMs(event: WorkerEventOf<"probe.failed">): number {
  return event.startedAtMs - event.lastGoodProbeAtMs;
}

/** No answer is no answer, whatever has changed since the probe began: starts must not keep a dead worker alive. */
export function overdueForBoot(
  _context: WorkerContext,
  event: WorkerEventOf<"probe.failed">,
): boolean {
  return unansweredMs(event) >= event.settings.timeoutBootingMs;
}

export function overdueWhileUnknown(
  _context: WorkerContext,
  event: WorkerEventOf<"probe.failed">,
): boolean {
  return unansweredMs(event) >= unknownPatienceMs(event.settings);
}

export function overdueForProbe(
  _context: WorkerContext,
  event: WorkerEventOf<"probe.failed">,
): boolean {
  return unansweredMs(event) >= event.settings.timeoutProbeMs;
}

/** The VM has booted, though its runner does not answer. */
export function bootProbePassed(_: WorkerContext, event: WorkerEventOf<"probe.failed">): boolean {
  return event.booted;
}

export function newError(context: WorkerContext, event: WorkerEventOf<"probe.failed">): boolean {
  return context.lastError !== event.error;
}

/** It names more processes and stale run locks than one of its type may have. */
export function tooManyReported(context: WorkerContext, event: Probe): boolean {
  return reportedCount(event) > reportedMax(event.settings, context.instanceType);
}

export function reportedCount(event: Probe): number {
  const listedCount = event.type === "probe.succeeded" ? event.containerIds.length : 0;
  return Math.max(event.reportedCount ?? 0, listedCount);
}

/** Broken, or a run lock that stayed stale for too long (specification §7.8). */
export function brokenReported(context: WorkerContext, event: Probe): boolean {
  if (event.broken) return true;
  if (event.type !== "probe.succeeded" || !event.stale || context.staleSinceMs === null)
    return false;
  return event.atMs - context.staleSinceMs > event.settings.timeoutStaleRunLockMs;
}

export function idleOverdue(context: WorkerContext, event: Tick): boolean {
  return context.idleDeadlineAtMs !== null && event.atMs >= context.idleDeadlineAtMs;
}

/**
 * Mends defect 4 of specification §16: an unknown worker that lists containers is never destroyed for its age. One that has not
 * answered may run some: that is left to the probes that fail.
 */
export function unknownOverdue(context: WorkerContext, event: Tick): boolean {
  const answered = event.lastGoodProbeAtMs !== null;
  return deadlinePassed(context, event) && answered && isEmpty(context.processes);
}

function deadlinePassed(context: WorkerContext, event: Tick): boolean {
  return context.unknownDeadlineAtMs !== null && event.atMs >= context.unknownDeadlineAtMs;
}

/**
 * Time alone tells nothing of a create without an answer: the cloud may not have listed at all since (docs/design.md: crash in
 * flight).
 */
export function listedAfterDeadline(
  context: WorkerContext,
  event: WorkerEventOf<"instance.missing">,
): boolean {
  const deadlineAtMs = context.unknownDeadlineAtMs;
  return deadlineAtMs !== null && event.listStartedAtMs >= deadlineAtMs;
}

/** The call may have made an instance all the same: a list will tell. */
export function outcomeUnknown(
  _context: WorkerContext,
  event: WorkerEventOf<"create.failed">,
): boolean {
  return event.failure.code === "timeout" || event.failure.code === "aborted";
}

export function killDue(context: WorkerContext, event: Tick): boolean {
  const { signal, giveUp } = dueKills(context, event.atMs);
  return signal.length + giveUp.length > 0;
}

export function killGivenUp(context: WorkerContext, event: Tick): boolean {
  return dueKills(context, event.atMs).giveUp.length > 0;
}

export function allGivenUp(context: WorkerContext): boolean {
  return Object.values(context.processes).every(hasGivenUp);
}

function concernsList(context: WorkerContext, event: WorkerEventOf<"instance.missing">): boolean {
  return event.basedOnSeq >= context.appearedSeq;
}

/** The first list in a row that lacks it, or the first since it last answered. */
export function firstMissing(
  context: WorkerContext,
  event: WorkerEventOf<"instance.missing">,
): boolean {
  const since = context.missingSinceMs;
  return concernsList(context, event) && (since === null || event.lastGoodProbeAtMs > since);
}

/** Missing from two complete lists in a row and not answering since the first (docs/design.md: gone). */
export function goneFromLists(
  context: WorkerContext,
  event: WorkerEventOf<"instance.missing">,
): boolean {
  const since = context.missingSinceMs;
  return (
    concernsList(context, event) &&
    since !== null &&
    event.listStartedAtMs > since &&
    event.lastGoodProbeAtMs <= since
  );
}

export function instanceChanged(
  context: WorkerContext,
  event: WorkerEventOf<"instance.seen">,
): boolean {
  return event.address !== context.address || context.missingSinceMs !== null;
}

export function stillListed(
  context: WorkerContext,
  event: WorkerEventOf<"instance.seen">,
): boolean {
  return event.atMs > nextDestroyAtMs(context, event.settings);
}

/** Its create was asked for before the daemon was started anew. */
export function fromEarlierRun(context: WorkerContext): boolean {
  return context.updatedSeq > context.appearedSeq;
}

export function tagsDiffer(
  context: WorkerContext,
  event: WorkerEventOf<"instance.seen">,
  behavior: IdleBehavior,
): boolean {
  // One that is on its way out needs no tags any more.
  if (context.destroyedAtMs !== null) return false;
  return event.idleBehavior !== behavior || event.instanceType !== context.instanceType;
}

export function isNewProcess(
  context: WorkerContext,
  event: WorkerEventOf<"start.decided">,
): boolean {
  return !(event.containerId in context.processes);
}

export function startPending(
  context: WorkerContext,
  event: WorkerEventOf<"start.returned">,
): boolean {
  const process = context.processes[event.containerId];
  return process?.state === "starting" && process.settleAtMs === null;
}

export function isKillable(context: WorkerContext, event: WorkerEventOf<"kill.decided">): boolean {
  return newKills(context, event).length > 0;
}

/**
 * Only a process that was known to run when the kill was sent: a start in flight may yet make one, or has made it since
 * (specification §7.9).
 */
export function processGone(
  context: WorkerContext,
  event: WorkerEventOf<"kill.returned">,
): boolean {
  const runningSeq = context.processes[event.containerId]?.runningSeq ?? null;
  return event.gone && runningSeq !== null && seqOfCommand(event.commandId) > runningSeq;
}

export function historyLost(
  _context: WorkerContext,
  event: WorkerEventOf<"daemon.started">,
): boolean {
  return event.historyLost === true;
}

/** Nothing is started on a worker of a type that has left the configuration (specification §7.5). */
export function typeRemoved(
  context: WorkerContext,
  event: WorkerEventOf<"daemon.started">,
): boolean {
  return !Object.hasOwn(event.settings.instanceTypes, context.instanceType);
}
