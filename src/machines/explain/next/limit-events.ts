import type { LimitEvent } from "../../limits/hold.ts";
import { formatSpan } from "../../model/amounts.ts";
import { each, EITHER, NEWEST_SEQ, plain } from "./situation.ts";
import type { ConditionTexts, PossibleEvents, Situation } from "./situation.ts";

type LimitKind = "quota" | "capacity" | "throttle";

/** What each event may bring to what holds creates back. */
export const limitEvents: PossibleEvents<LimitKind, LimitEvent["type"]> = {
  "create.failed": () => each({ message: [""], otherInstancesCount: [0, 1], retryAtMs: [null] }),
  "create.succeeded": plain,
  "create.declined": plain,
  "instances.counted": ({ snapshot: { context } }) =>
    each({ instancesCount: "fewerThan" in context ? [0, context.fewerThan] : [0] }),
  "clock.ticked": plain,
};

function untilText({ snapshot, nowMs }: Situation<LimitKind>): string {
  const { untilMs, message } = snapshot.context;
  if (untilMs === null) return "nothing is held back for a time";
  const left = untilMs - nowMs;
  const because = message === "" ? "" : `: ${message}`;
  return left > 0
    ? `held for another ${formatSpan(left)}${because}`
    : `over for ${formatSpan(-left)}`;
}

/** What each condition of the quota's, a capacity's and the throttle's chart looks at. */
export const limitConditions: ConditionTexts<LimitKind> = {
  isOver: untilText,
  othersExist: () => "if there are other instances, or creates in flight",
  hasFewer: ({ snapshot: { context } }) =>
    `if there are fewer than ${"fewerThan" in context ? context.fewerThan : 0} instances`,
  hasFailed: ({ snapshot: { context } }) => {
    const failures = "failuresCount" in context ? context.failuresCount : 0;
    return failures === 1 ? "1 failure in a row" : `${failures} failures in a row`;
  },
};

type SupervisorEventType =
  | "daemon.started"
  | "lease.acquired"
  | "instances.listed"
  | "queue.polled"
  | "stop.requested"
  | "clock.ticked"
  | "recovery.finished"
  | "recovery.delayed"
  | "history.missed"
  | "instance.found";

const observed = (): ReturnType<typeof each> => each({ basedOnSeq: [NEWEST_SEQ] });

/** What each event may bring to the supervisor. Lists and polls are those that begin now. */
export const supervisorEvents: PossibleEvents<"supervisor", SupervisorEventType> = {
  "daemon.started": () => each({ historyLost: EITHER }),
  "lease.acquired": plain,
  "instances.listed": observed,
  "queue.polled": observed,
  "stop.requested": () => each({ drain: EITHER, reason: [""] }),
  "clock.ticked": plain,
  "recovery.finished": plain,
  "recovery.delayed": plain,
  "history.missed": plain,
  "instance.found": plain,
};

/** What each condition of the supervisor's chart looks at. */
export const supervisorConditions: ConditionTexts<"supervisor"> = {
  firstList: ({ snapshot: { context } }) =>
    context.listed
      ? "the instances were listed since the start"
      : "no complete list since the start",
  firstPoll: ({ snapshot: { context } }) =>
    context.polled ? "the queue was polled since the start" : "no complete poll since the start",
  historyKnown: ({ snapshot: { context } }) =>
    context.historyLost === true
      ? "an instance of which the journal does not tell all was found already"
      : "if an instance is found of which the journal does not tell all",
  firstLateList: ({ snapshot: { context } }) =>
    context.settled
      ? "StaleLockTimeout after the start the instances were listed"
      : "the instances were not listed yet StaleLockTimeout after the start",
  firstDelay: ({ snapshot: { context } }) =>
    context.waited ? "stale locks were waited for already" : "stale locks were not waited for yet",
  waitOver: ({ snapshot: { context }, nowMs }) => {
    const { staleLockDeadlineAtMs: atMs } = context;
    if (atMs === null) return "no wait for unknown workers is set";
    const left = atMs - nowMs;
    return left > 0
      ? `waits for unknown workers for another ${formatSpan(left)}`
      : "the wait is over";
  },
  wantsDrain: () => "if the instances are to be drained too",
};
