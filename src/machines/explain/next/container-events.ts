import { WAIT_REASONS } from "../../model/decision.ts";
import type { ContainerEvent } from "../../container/container.types.ts";
import { RECORD_STATES } from "../../container/container.types.ts";
import type { FactOf } from "../../model/fact.ts";
import { each, EITHER, NEWEST_SEQ, plain } from "./situation.ts";
import type { Brought, ConditionTexts, PossibleEvents, Situation } from "./situation.ts";
import { formatSpan } from "../../model/amounts.ts";

type S = Situation<"container">;

const observed = { basedOnSeq: [NEWEST_SEQ] };
const record = { record: RECORD_STATES.map((state) => ({ state })) };

function told({ snapshot: { context } }: S): Brought[] {
  const other = context.priority === "0" ? "1" : "0";
  return each({ ...observed, state: RECORD_STATES, priority: [context.priority, other] });
}

/** From a worker that reports a process of it, or from another one. */
function fromWorker({ snapshot: { context } }: S): Brought[] {
  return each({ workerId: [...Object.keys(context.processes), "another worker"] });
}

function ended({ snapshot: { context } }: S): Brought[] {
  const workers = Object.keys(context.processes);
  return each({
    workerId: workers.length > 0 ? workers : ["another worker"],
    how: ["exited", "abandoned"],
  });
}

/** What each event may bring to a container. Polls are those that begin now. */
export const containerEvents: PossibleEvents<"container", ContainerEvent["type"]> = {
  "daemon.started": () => each({ historyLost: EITHER }),
  "container.added": () => each({ ...observed, ...record }),
  "container.changed": told,
  "container.missing": () => each(observed),
  "container.rejected": () => each({ ...observed, state: RECORD_STATES }),
  "operation.succeeded": () =>
    each({
      operation: [
        "lock",
        "unlock",
        "cancel",
      ] satisfies FactOf<"operation.succeeded">["operation"][],
      state: RECORD_STATES,
    }),
  "operation.failed": plain,
  "clock.ticked": plain,
  "cancel.requested": plain,
  "lock.decided": plain,
  "unlock.decided": plain,
  "requeue.decided": plain,
  "cancel.decided": plain,
  "kill.decided": plain,
  "forget.decided": plain,
  "wait.decided": () => each({ reason: [...WAIT_REASONS, ""] }),
  "process.starting": fromWorker,
  "process.seen": fromWorker,
  "process.killing": fromWorker,
  "process.unkillable": fromWorker,
  "process.ended": ended,
};

function reportsText({ snapshot: { context } }: S): string {
  const reports = Object.values(context.processes);
  if (reports.length > 0) {
    const workers = reports.length === 1 ? "1 worker reports" : `${reports.length} workers report`;
    return `${workers} a process of it: ${reports.join(", ")}`;
  }
  const exited = context.exitedSeq === null ? "" : ", and its exit is not judged yet";
  return `no worker reports a process of it${exited}`;
}

const recordText = ({ snapshot: { value } }: S): string => `its record is ${value.record}`;

/** What each condition of the container's chart looks at. */
export const containerConditions: ConditionTexts<"container"> = {
  becomes: (s, state) => `if the API says ${state}; ${recordText(s)}`,
  choiceChanged: ({ snapshot: { context } }) =>
    `if the config of that start has other types for it than ${context.instanceTypes.join(", ") || "none"}`,
  isCurrent: () => "if the poll began after our last call had ended",
  retryDue: ({ snapshot: { context }, nowMs }) => {
    const { retryAtMs, failuresCount } = context;
    if (retryAtMs === null) return "no failed call is to be tried again";
    const left = retryAtMs - nowMs;
    const when = left > 0 ? `in ${formatSpan(left)}` : "now";
    return `to be tried again ${when}, after ${failuresCount === 1 ? "1 failure" : `${failuresCount} failures`}`;
  },
  lockArrived: ({ snapshot: { context } }) =>
    context.lockMayArrive === true
      ? "if a poll shows it Locked: its last lock had no answer, and may arrive yet"
      : "no lock of ours may arrive yet",
  unkillableElsewhere: reportsText,
  runsElsewhere: reportsText,
  startsElsewhere: reportsText,
  historyLost: () => "if the journal has lost its end",
  hasExited: () => "if it was seen to end, and not lost with its worker",
  lastProcessEnds: reportsText,
  waitChanged: ({ snapshot: { context } }) =>
    `if the reason is another than ${context.waitReason === "" ? "none" : context.waitReason}`,
  notRejected: ({ snapshot: { context } }) =>
    context.rejection === "" ? "nothing speaks against it" : `rejected: ${context.rejection}`,
  wanted: ({ snapshot: { context } }) => `its priority is ${context.priority}`,
  awaitsRecord: recordText,
};
