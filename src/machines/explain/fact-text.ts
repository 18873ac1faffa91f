import type { Fact, FactOf, Failure } from "../model/fact.ts";
import { formatSpan } from "../model/amounts.ts";
import { exitText } from "./container-end.ts";
import type { Names } from "./names.ts";

function startText({ version, atMs, setBack }: FactOf<"daemon.started">): string {
  const started = `the dispatcher started (version ${version})`;
  return setBack
    ? `${started}, with the clock ${formatSpan(setBack.fromMs - atMs)} behind the last run's`
    : started;
}

/** What a fact says, in words; `names` tells what people call workers and containers. */
export function factText(fact: Fact, names: Names): string {
  switch (fact.type) {
    case "daemon.started":
      return startText(fact);
    case "config.loaded":
      return "a config was loaded";
    case "lease.acquired":
      return "the dispatcher may decide";
    case "stop.requested":
      return because(`an operator asked to ${fact.drain ? "drain and " : ""}stop`, fact.reason);
    case "instance.seen":
      return `the cloud lists ${fact.instanceId}`;
    case "instance.missing":
      return `the cloud's list lacks ${names.worker(fact.workerId)}`;
    case "instances.listed":
      return `the cloud listed ${fact.instancesCount} instances`;
    case "create.succeeded":
      return `the cloud created ${fact.instanceId}`;
    case "create.failed":
      return `the cloud did not create it: ${failureText(fact.failure)}`;
    case "destroy.accepted":
      return `the cloud accepted the destroy of ${names.worker(fact.workerId)}`;
    case "destroy.failed":
      return `the destroy of ${names.worker(fact.workerId)} failed: ${failureText(fact.failure)}`;
    case "tags.saved":
      return `the tags of ${names.worker(fact.workerId)} were saved`;
    case "tags.failed":
      return `the tags of ${names.worker(fact.workerId)} could not be saved: ${failureText(fact.failure)}`;
    case "ssh.connected":
      return `SSH to ${names.worker(fact.workerId)} connected`;
    case "probe.succeeded":
      return probeText(fact, names);
    case "probe.failed":
      return `a probe of ${names.worker(fact.workerId)} failed: ${[fact.error, ...faultsOf(fact)].join("; ")}`;
    case "start.returned":
      return because(`the start on ${names.worker(fact.workerId)}: ${fact.outcome}`, fact.error);
    case "kill.returned":
      return because(
        `the kill on ${names.worker(fact.workerId)}: the process ${fact.gone ? "is gone" : "is still there"}`,
        fact.error,
      );
    case "container.added":
      return `the queue has it: ${fact.record.state}, priority ${names.priority(fact.containerId, fact.record.priority)}`;
    case "container.changed":
      return `the queue says: ${fact.state}, ${changeText(fact, names)}`;
    case "container.missing":
      return "the queue no longer has it";
    case "container.rejected":
      return `its record cannot be read: ${fact.error}`;
    case "queue.polled":
      return "the queue was polled";
    case "operation.succeeded":
      return `the ${fact.operation} succeeded: ${fact.state}`;
    case "operation.failed":
      return `the ${fact.operation} failed: ${failureText(fact.failure)}`;
    case "clock.ticked":
      return "its deadline was due";
    case "planner.ran":
      return "the planner ran";
    case "behavior.requested":
      return because(`an operator asked for ${fact.behavior}`, fact.reason);
    case "shutdown.requested":
      return because("an operator asked for its end", fact.reason);
    case "kill.requested":
      return because("an operator asked to kill it", fact.reason);
    case "cancel.requested":
      return because("an operator asked to cancel it", fact.reason);
    default:
      return (fact satisfies never as Fact).type;
  }
}

function probeText(fact: Extract<Fact, { type: "probe.succeeded" }>, names: Names): string {
  const { containerIds, booted, broken, stale, bootError, reportedCount } = fact;
  const parts = [
    booted ? "" : "not booted yet",
    containerIds.length > 0
      ? `lists ${containerIds.map((id) => names.container(id)).join(", ")}`
      : "lists no process",
    ...faultsOf({ broken, reportedCount }),
    stale ? "a run lock is stale" : "",
    bootError,
  ];
  const said = parts.filter((part) => part !== "").join("; ");
  return `a probe of ${names.worker(fact.workerId)}: ${said}`;
}

/** Of one that has ended how it did matters, else its priority. */
function changeText(
  { containerId, priority, end }: FactOf<"container.changed">,
  names: Names,
): string {
  if (!end) return `priority ${names.priority(containerId, priority)}`;
  const parts = [
    end.exitCode === null ? end.warning : exitText(end.exitCode, end.warning),
    end.error,
  ];
  return parts.filter((part) => part !== "").join(": ") || "no exit code";
}

function faultsOf(probe: {
  broken: boolean;
  reportedCount?: number | undefined;
}): readonly string[] {
  const { broken, reportedCount } = probe;
  return [
    ...(reportedCount === undefined ? [] : [`it names ${reportedCount} processes, too many`]),
    ...(broken ? ["it reports itself broken"] : []),
  ];
}

export function failureText({ code, message }: Failure): string {
  return code === "other" || message.startsWith(code) ? message : `${code}: ${message}`;
}

function because(text: string, reason: string): string {
  return reason === "" ? text : `${text}: ${reason}`;
}
