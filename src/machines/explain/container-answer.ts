import { isOperatorsCancel } from "../container/container.choice.ts";
import type { Core } from "../core/core.ts";
import type { Decision } from "../model/decision.ts";
import type { Answer, Because, ContainerExplanation, Run } from "./explanation.ts";
import { dispatcher } from "./limits.ts";
import { runNotes } from "./runs.ts";
import type { Moment } from "./spans.ts";
import { sweeps, sweepText } from "./sweep.ts";

type Facts = Omit<ContainerExplanation, "answer">;
interface DecidedThen {
  readonly decision: Decision;
  readonly moment: Moment;
}
/** The newest decision of each kind about the container. */
export type Decided = Map<Decision["do"], DecidedThen>;

/** The first lines of an explanation: what is the case with a container, and why. */
export function answerForContainer(facts: Facts, core: Core, decided: Decided): Answer {
  const { record, known, process } = facts;
  if (record === "Complete" || record === "Cancelled") return ended(facts, decided);
  if (!known) return dropped(facts, decided);
  if (process === "running" || process === "starting" || process === "unkillable")
    return running(facts);
  if (record === "Running") return unreported(facts, decided);
  return waiting(facts, core, decided);
}

function ended(facts: Facts, decided: Decided): Answer {
  const { record, life, end, nearest } = facts;
  const span = life.find((each) => each.record === record);
  const cancel = decided.get("cancel");
  const run = facts.runs.at(-1);
  const because: Because[] = [];
  if (nearest !== "") because.push(plain(nearest));
  if (record === "Cancelled" && cancel) because.push(decision(cancel));
  if (run) because.push(ranOn(run));
  else because.push(plain("it never ran on a worker"));
  const text = end?.text ?? `ended: ${record}`;
  return { text, sinceMs: span?.fromAtMs ?? end?.atMs ?? null, untilMs: null, because };
}

function dropped(facts: Facts, decided: Decided): Answer {
  const forget = decided.get("forget");
  const last = facts.life.at(-1);
  const because = forget ? [decision(forget)] : [plain("the queue no longer has it")];
  const run = facts.runs.at(-1);
  if (run) because.push(ranOn(run));
  const text = `has left the queue; its last state here was ${facts.record || "unknown"}`;
  return { text, sinceMs: last?.toAtMs ?? null, untilMs: null, because };
}

function running(facts: Facts): Answer {
  const open = facts.runs.filter(({ toSeq }) => toSeq === null);
  const run = open.at(-1);
  const because: Because[] = [];
  for (const each of open) {
    for (const note of runNotes(each)) because.push(plain(note));
    if (each.startReason)
      because.push({
        ...plain(`started there: ${each.startReason}`),
        seq: each.fromSeq,
        atMs: each.fromAtMs,
      });
  }
  if (open.length > 1)
    because.push(plain(`it is on ${open.length} workers at once: ${open.map(nameOf).join(", ")}`));
  const where = run ? ` on ${nameOf(run)}` : "";
  const sinceMs = run?.runningAtMs ?? run?.fromAtMs ?? null;
  const text =
    facts.process === "unkillable"
      ? `cannot be killed${where}: it does not obey SIGTERM, and its worker drains`
      : run?.kill && !sweeps(run.kill.reason)
        ? `is being killed${where}`
        : facts.process === "starting"
          ? `is being started${where}`
          : `runs${where}`;
  return { text, sinceMs: run?.kill ? run.kill.atMs : sinceMs, untilMs: null, because };
}

function unreported(facts: Facts, decided: Decided): Answer {
  const run = facts.runs.at(-1);
  const because = run ? [ranOn(run)] : [];
  const cancel = decided.get("cancel");
  if (cancel) because.push(decision(cancel));
  if (facts.retry) because.push(retry(facts.retry));
  return {
    text: "is Running in the queue, and no worker reports a process of it",
    sinceMs: currentSince(facts),
    untilMs: facts.retry?.atMs ?? null,
    because,
  };
}

function waiting(facts: Facts, core: Core, decided: Decided): Answer {
  const { waits, rejection } = facts;
  const wait = waits.at(-1)?.toSeq === null ? waits.at(-1) : undefined;
  const held = dispatcher(core).map(({ text, untilMs }): Because => ({ ...plain(text), untilMs }));
  const because: Because[] = [...held];
  if (facts.retry) because.push(retry(facts.retry));
  for (const limit of wait?.limits ?? [])
    if (limit.toSeq === null && limit.limit !== "dispatcher")
      because.push({
        text: limit.text,
        seq: limit.fromSeq,
        atMs: limit.fromAtMs,
        untilMs: limit.untilMs,
      });
  because.push(...fleetLine(facts, core), ...bootingLines(facts));
  const run = facts.runs.at(-1);
  if (run) because.push(ranOn(run));
  const given = lastOf(decided, ["unlock", "requeue"]);
  if (given) because.push(decision(given));
  const untils = because.flatMap(({ untilMs }) => untilMs ?? []);
  const untilMs = untils.length > 0 ? Math.min(...untils) : null;
  if (rejection !== "")
    return {
      text: isOperatorsCancel(rejection)
        ? `is being ${rejection}`
        : `can never run here: ${rejection}${facts.nearest === "" ? "" : ` (${facts.nearest})`}`,
      sinceMs: facts.firstSeenAtMs,
      untilMs,
      because,
    };
  if (wait) return { text: `waits: ${wait.text}`, sinceMs: wait.fromAtMs, untilMs, because };
  return { text: unjudged(facts, held), sinceMs: currentSince(facts), untilMs, because };
}

function unjudged({ record, operation, process }: Facts, held: readonly Because[]): string {
  if (held.length > 0) return `waits (${record}): nothing is started now`;
  if (operation !== "none") return `is ${record}, and the dispatcher is ${operation} it`;
  if (process === "exited")
    return `is ${record}; its process has exited, and what the queue makes of that is waited for`;
  return `is ${record}, and the planner has not said why it waits`;
}

/** What takes up the instances that there may be. */
function fleetLine({ waits }: Facts, { registry }: Core): Because[] {
  const wait = waits.at(-1);
  if (wait?.toSeq !== null) return [];
  if (wait.reason !== "atQuota" && wait.reason !== "atMaxInstances") return [];
  const counts = new Map<string, number>();
  for (const [, { value }] of registry.entries("worker")) {
    const behavior = value.idleBehavior === "run" ? "" : ` (${value.idleBehavior})`;
    const name = `${value.lifecycle}${behavior}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const parts = [...counts].sort().map(([name, count]) => `${count} ${name}`);
  return [plain(`instances now: ${parts.join(", ") || "none"}`)];
}

/** The instances that it waits for, those with errors first. */
function bootingLines({ booting, waits }: Facts): Because[] {
  const wait = waits.at(-1);
  if (wait?.toSeq !== null || wait.reason !== "booting") return [];
  const states = ["creating", "booting", "unknown"];
  return booting
    .filter(({ state }) => states.includes(state))
    .sort((a, b) => Number(b.askedForIt) - Number(a.askedForIt))
    .slice(0, 3)
    .map(({ workerId, instanceId, instanceType, state, sinceMs, lastError, askedForIt }) => ({
      text:
        `${instanceType} ${instanceId || workerId} is ${state}${askedForIt ? ", asked for with it in mind" : ""}` +
        (lastError ? `; last error: ${lastError}` : ""),
      seq: null,
      atMs: sinceMs,
      untilMs: null,
    }));
}

function currentSince({ life }: Facts): number | null {
  return life.at(-1)?.fromAtMs ?? null;
}

function retry({ atMs, error, failuresCount }: NonNullable<Facts["retry"]>): Because {
  const text = `the last call to the queue failed (${failuresCount} in a row): ${error}`;
  return { ...plain(text), untilMs: atMs };
}

function ranOn(run: Run): Because {
  const { toSeq, toAtMs } = run;
  const text = [`ran on ${nameOf(run)}`, ...runNotes(run)].join("; ");
  return { text, seq: toSeq, atMs: toAtMs, untilMs: null };
}

function nameOf({ instanceType, instanceId, workerId }: Run): string {
  return `${instanceType} ${instanceId || workerId}`;
}

function decision({ decision: { do: done, reason }, moment }: DecidedThen): Because {
  return {
    text: sweeps(reason) ? sweepText(reason) : `decided to ${done} it: ${reason}`,
    seq: moment.seq,
    atMs: moment.atMs,
    untilMs: null,
  };
}

function plain(text: string): Because {
  return { text, seq: null, atMs: null, untilMs: null };
}

function lastOf(decided: Decided, kinds: readonly Decision["do"][]): DecidedThen | undefined {
  return kinds
    .flatMap((kind) => decided.get(kind) ?? [])
    .sort((a, b) => a.moment.seq - b.moment.seq)
    .at(-1);
}
