import type { Change } from "../machines/core/draft.ts";
import type { SnapshotOf } from "../machines/core/registry.ts";
import type { Fact, FactOf } from "../machines/model/fact.ts";
import type { Released } from "./supervisor.ts";

interface LogWrite {
  (fields: object, message: string): void;
  (message: string): void;
}

/** The part of the logger that is used here. */
export interface JournalLog {
  readonly debug: LogWrite;
  readonly info: LogWrite;
  readonly warn: LogWrite;
  child(fields: object): JournalLog;
}

type Worker = SnapshotOf["worker"];
type Container = SnapshotOf["container"];

/** Logs what is worth a line of each durable record (specification §14): messages constant, data in fields. */
export function logReleased(log: JournalLog, { record, changes }: Released): void {
  if (record.fact.type === "daemon.started" && record.fact.setBack) logSetBack(log, record.fact);
  for (const change of changes) {
    if (change.kind === "worker") logWorker(log, change, record.fact);
    else if (change.kind === "container") logContainer(log, change);
    else if (change.kind === "quota" || change.kind === "capacity" || change.kind === "throttle")
      log.info(
        { Limit: change.id, State: change.after.value, Message: messageOf(change) },
        `${change.kind} changed`,
      );
    else if (change.before?.value !== change.after.value)
      log.info({ From: change.before?.value, To: change.after.value }, "dispatcher changed state");
  }
}

function logSetBack(log: JournalLog, { atMs, setBack }: FactOf<"daemon.started">): void {
  const aheadMs = (setBack?.fromMs ?? atMs) - atMs;
  log.warn(
    { AheadSeconds: aheadMs / 1000 },
    "the last run's clock was ahead: the journal's time was set back to the wall clock's",
  );
}

function messageOf({ after }: Change): unknown {
  return (after.context as { message?: unknown }).message;
}

function logWorker(log: JournalLog, change: Change, fact: Fact): void {
  const before = change.before as Worker | undefined;
  const after = change.after as Worker;
  const { context, value } = after;
  const worker = log.child({
    Instance: context.instanceId,
    InstanceType: context.instanceType,
    Address: context.address,
    Worker: context.workerId,
  });
  const from = before?.value.lifecycle;
  if (value.lifecycle !== from) logLifecycle(worker, { from, after, fact });
  if (before && value.idleBehavior !== before.value.idleBehavior)
    worker.info({ IdleBehavior: value.idleBehavior, Reason: reasonOf(fact) }, "set idle behavior");
  if (before && context.lastError !== "" && context.lastError !== before.context.lastError)
    worker.debug({ Error: context.lastError }, "probe failed");
}

function logLifecycle(
  log: JournalLog,
  {
    from,
    after,
    fact,
  }: { from: Worker["value"]["lifecycle"] | undefined; after: Worker; fact: Fact },
): void {
  const { context, value } = after;
  switch (value.lifecycle) {
    case "creating":
      return log.info("creating new instance");
    case "booting":
    case "unknown":
      if (fact.type === "daemon.started") return log.info("worker not probed yet since the start");
      return log.info({ IdleBehavior: value.idleBehavior }, "instance appeared in cloud");
    case "idle":
    case "running":
      if (from === "idle" || from === "running")
        return log.debug({ State: value.lifecycle }, "worker changed state");
      return log.info(
        { State: value.lifecycle, RunningContainers: Object.keys(context.processes).length },
        "probes succeeded, instance is in service",
      );
    case "shutdown":
      return log.info({ State: from, Reason: context.shutdownReason }, "shutting down");
    case "gone":
      if (context.instanceId === "")
        return log.warn({ Reason: context.shutdownReason }, "create failed");
      return log.info({ WorkerState: from }, "instance disappeared in cloud");
    default:
      value.lifecycle satisfies never;
  }
}

function logContainer(log: JournalLog, change: Change): void {
  const before = change.before as Container | undefined;
  const { context, value } = change.after as Container;
  const container = log.child({ ContainerUUID: context.containerId });
  const from = before?.value;
  if (value.record !== (from?.record ?? "unlisted")) {
    if (value.record === "unlisted")
      container.info({ State: from?.record }, "dropping container from queue");
    else if (from === undefined || from.record === "unlisted")
      container.info(
        { State: value.record, Priority: context.priority, InstanceTypes: context.instanceTypes },
        "adding container to queue",
      );
    else container.info({ From: from.record, State: value.record }, "container changed state");
  }
  if (value.operation !== (from?.operation ?? "none") && value.operation !== "none")
    container.info({ Operation: value.operation, Error: context.lastError }, "container operation");
  if (value.process !== (from?.process ?? "absent"))
    container.info(
      { Process: value.process, Workers: Object.keys(context.processes) },
      "crunch-run process changed",
    );
}

function reasonOf(fact: Fact): string {
  return "reason" in fact && fact.reason !== "" ? fact.reason : fact.type;
}
