import { unknownPatienceMs } from "../../worker/worker.assigns.ts";
import { reportedMax } from "../../worker/worker.report.ts";
import { dueKills, hasGivenUp } from "../../worker/worker.processes.ts";
import { formatSpan } from "../../model/amounts.ts";
import { refusalText } from "../refusal-text.ts";
import type { ConditionTexts, Situation } from "./situation.ts";

type S = Situation<"worker">;

const contextOf = ({ snapshot }: S): S["snapshot"]["context"] => snapshot.context;

const behaviorText = ({ snapshot }: S): string => `behaviour is ${snapshot.value.idleBehavior}`;

function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number === 0 ? "no" : number} ${number === 1 ? noun : plural}`;
}

function processesText(situation: S): string {
  const processes = Object.values(contextOf(situation).processes);
  const killed = processes.filter(({ kill }) => kill !== null).length;
  const givenUp = processes.filter(hasGivenUp).length;
  const all = count(processes.length, "process", "processes");
  if (processes.length === 0) return all;
  if (givenUp > 0) return `${all}, ${givenUp} given up`;
  return killed > 0 ? `${all}, ${killed} being killed, none given up` : `${all}, none given up`;
}

function killsText(situation: S): string {
  const { nowMs } = situation;
  const { signal, giveUp } = dueKills(contextOf(situation), nowMs);
  const due = signal.length + giveUp.length;
  if (due > 0) return `${processesText(situation)}; ${due} due for the next step`;
  const schedules = Object.values(contextOf(situation).processes).flatMap(({ kill }) =>
    kill && kill.nextAtMs !== null ? [{ ...kill, nextAtMs: kill.nextAtMs }] : [],
  );
  const [next] = schedules.sort((a, b) => a.nextAtMs - b.nextAtMs);
  if (!next) return processesText(situation);
  const signalIn = formatSpan(Math.max(0, next.nextAtMs - nowMs));
  const endsIn = formatSpan(Math.max(0, next.deadlineAtMs - nowMs));
  return `${processesText(situation)}; next signal in ${signalIn}, TimeoutTERM over in ${endsIn}`;
}

/** How long no probe has been answered, of how long it may be so. */
function silence(limit: string, limitMs: (situation: S) => number): (situation: S) => string {
  return (situation) => {
    const { nowMs, lastGoodProbeAtMs = null } = situation;
    const of = `${limit} ${formatSpan(limitMs(situation))}`;
    if (lastGoodProbeAtMs === null) return `when a probe was last answered is not known (${of})`;
    return `no answer for ${formatSpan(nowMs - lastGoodProbeAtMs)} of ${of}`;
  };
}

function deadlineText({ nowMs }: S, atMs: number | null): string {
  if (atMs === null) return "no deadline is set";
  const leftMs = atMs - nowMs;
  return leftMs > 0 ? `${formatSpan(leftMs)} left` : `due for ${formatSpan(-leftMs)}`;
}

function missingText(situation: S): string {
  const { missingSinceMs } = contextOf(situation);
  if (missingSinceMs === null) return "missing from 0 of 2 lists";
  const { nowMs, lastGoodProbeAtMs = null } = situation;
  const since = formatSpan(nowMs - missingSinceMs);
  const answered = lastGoodProbeAtMs !== null && lastGoodProbeAtMs > missingSinceMs;
  return `missing from 1 of 2 lists, since ${since}${answered ? ", and it has answered since" : ""}`;
}

function idleText(situation: S): string {
  const { idleDeadlineAtMs } = contextOf(situation);
  const { nowMs, settings } = situation;
  if (idleDeadlineAtMs === null) return "it is not idle";
  const idleMs = nowMs - (idleDeadlineAtMs - settings.timeoutIdleMs);
  return `idle for ${formatSpan(idleMs)} of TimeoutIdle ${formatSpan(settings.timeoutIdleMs)}`;
}

function staleText(situation: S): string {
  const { staleSinceMs } = contextOf(situation);
  if (staleSinceMs === null) return "it has reported no fault, and no stale run lock";
  const { nowMs, settings } = situation;
  return `a run lock is stale for ${formatSpan(nowMs - staleSinceMs)} of TimeoutStaleRunLock ${formatSpan(settings.timeoutStaleRunLockMs)}`;
}

function destroyText(situation: S): string {
  const { destroySentAtMs } = contextOf(situation);
  const { nowMs, settings } = situation;
  const of = `TimeoutShutdown ${formatSpan(settings.timeoutShutdownMs)}`;
  if (destroySentAtMs === null) return `its destroy has not been sent (${of})`;
  const sent = `its destroy was sent ${formatSpan(nowMs - destroySentAtMs)} ago, of ${of}`;
  const refused = refusalText(contextOf(situation).destroyRefused, nowMs);
  return refused === "" ? sent : `${sent}; refused ${refused}`;
}

const lastErrorText = (situation: S): string => {
  const { lastError } = contextOf(situation);
  return lastError === "" ? "no error is remembered" : `the error remembered: ${lastError}`;
};

const startsText = (situation: S): string => {
  const starting = Object.values(contextOf(situation).processes).filter(
    ({ state, settleAtMs }) => state === "starting" && settleAtMs === null,
  );
  return `${count(starting.length, "start")} whose outcome is open`;
};

/** What each condition of the worker's chart looks at. */
export const workerConditions: ConditionTexts<"worker"> = {
  booted: (s) => {
    const { startsUntilMs = null } = contextOf(s);
    const lost = `, and began when no start of an earlier run can turn up (${deadlineText(s, startsUntilMs)})`;
    return `if the probe says that it has booted${startsUntilMs === null ? "" : lost}`;
  },
  bootProbePassed: () => "if its boot probe has passed",
  listingChanged: (s) => `if the probe lists something else; known: ${processesText(s)}`,
  overdueForBoot: silence("TimeoutBooting", ({ settings }) => settings.timeoutBootingMs),
  overdueWhileUnknown: silence("TimeoutBooting or TimeoutProbe", ({ settings }) =>
    unknownPatienceMs(settings),
  ),
  overdueForProbe: silence("TimeoutProbe", ({ settings }) => settings.timeoutProbeMs),
  newError: (s) => `if it is another error; ${lastErrorText(s)}`,
  tooManyReported: (s) =>
    `if it names more than ${reportedMax(s.settings, contextOf(s).instanceType)} processes; known: ${processesText(s)}`,
  brokenReported: (s) => `if it reports itself broken; ${staleText(s)}`,
  idleOverdue: idleText,
  unknownOverdue: (s) =>
    `${deadlineText(s, contextOf(s).unknownDeadlineAtMs)}, ${processesText(s)}`,
  listedAfterDeadline: (s) =>
    `if the list began after the time to wait for it; ${deadlineText(s, contextOf(s).unknownDeadlineAtMs)}`,
  outcomeUnknown: () => "if the call timed out or was aborted",
  killDue: killsText,
  killGivenUp: killsText,
  firstMissing: missingText,
  goneFromLists: missingText,
  instanceChanged: (s) => {
    const missing = contextOf(s).missingSinceMs === null ? "" : "; it was missing from a list";
    return `if its address is not ${contextOf(s).address || "empty"}${missing}`;
  },
  stillListed: destroyText,
  isNewestDestroy: (s) => {
    const { destroyAccepted } = contextOf(s);
    if (!destroyAccepted) return "the cloud has taken no destroy of it yet";
    const ago = formatSpan(s.nowMs - destroyAccepted.atMs);
    return `if it is of a destroy sent after the one that the cloud took ${ago} ago`;
  },
  hadTagsRefused: (s) => {
    const refused = refusalText(contextOf(s).tagsRefused, s.nowMs);
    return refused === "" ? "its tags were not refused" : `its tags were refused ${refused}`;
  },
  fromEarlierRun: (s) =>
    contextOf(s).updatedSeq > contextOf(s).appearedSeq
      ? "its create was asked for before the dispatcher started anew"
      : "its create was asked for by this run",
  isNewProcess: (s) => `if the container is not on it already: ${processesText(s)}`,
  startPending: startsText,
  isKillable: processesText,
  processGone: (s) => `if the process is gone: ${processesText(s)}`,
  historyLost: () => "if the journal has lost its end",
  typeRemoved: (s) => {
    const { instanceType } = contextOf(s);
    const known = Object.hasOwn(s.settings.instanceTypes, instanceType);
    return `${instanceType} is ${known ? "" : "not "}in the config`;
  },
  createOpen: (s) =>
    contextOf(s).createOpen ? "its create call is in flight" : "its create call has ended",
  firstConnection: (s) =>
    contextOf(s).sshConnectedAtMs === null ? "SSH has not connected yet" : "SSH has connected",
  noProcesses: processesText,
  hasProcesses: processesText,
  allGivenUp: processesText,
  tagsDiffer: (s) =>
    contextOf(s).destroyedAtMs === null
      ? `if its tags are others than ${s.snapshot.value.idleBehavior} and ${contextOf(s).instanceType}`
      : "its end was asked of the cloud: its tags no longer matter",
  asked: (s, asked) => `if an operator asks for ${asked}; ${behaviorText(s)}`,
  named: (s) => `the cloud's name for it: ${contextOf(s).instanceId || "none yet"}`,
  draining: (s) =>
    `draining: ${s.snapshot.value.idleBehavior === "drain" ? "yes" : `no, ${behaviorText(s)}`}`,
  held: (s) =>
    `on hold: ${s.snapshot.value.idleBehavior === "hold" ? "yes" : `no, ${behaviorText(s)}`}`,
  accepting: behaviorText,
};
