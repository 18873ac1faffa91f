import type { Core } from "../core/core.ts";
import type { Change } from "../core/draft.ts";
import type { AnySnapshot, SnapshotOf } from "../core/registry.ts";
import type { Command } from "../model/command.ts";
import type { Decision } from "../model/decision.ts";
import type { Fact } from "../model/fact.ts";
import { actorKey, seqOfCommand, type ActorKind } from "../model/ids.ts";
import { actorsOf } from "../model/record-actors.ts";
import type { JournalRecord } from "../model/record.ts";
import type { TakenTransition } from "../step.ts";
import { Cost } from "./cost.ts";
import { factText } from "./fact-text.ts";
import { Spans, type Moment } from "./spans.ts";
import { byPath } from "./state-path.ts";
import { commandText, createdBy, decisionText, namer } from "./steps.ts";

export interface ActorName {
  readonly kind: ActorKind;
  readonly id: string;
}

export type MarkKind = "fact" | "decision" | "command" | "outcome";

/** Something of a record that concerns an actor. */
export interface Mark extends Moment {
  readonly kind: MarkKind;
  readonly type: string;
  readonly text: string;
  /** It only repeats or confirms what was known. */
  readonly noise: boolean;
  readonly transitions: readonly TakenTransition[];
  /** The record that asked for what this is the outcome of. */
  readonly causeSeq: number | null;
}

/** Of a long life the beginning and the end tell most. */
const OLDEST_MAX = 500;
const NEWEST_MAX = 4_500;

/** Observations and deadlines that come round after round. */
const NOISY: ReadonlySet<Fact["type"]> = new Set([
  "instance.seen",
  "instance.missing",
  "instances.listed",
  "probe.succeeded",
  "probe.failed",
  "tags.saved",
  "queue.polled",
  "clock.ticked",
]);

/** Collects the states of one actor as spans, and what concerned it as marks, from records in their order. */
export class HistoryBuilder {
  readonly #actor: ActorName;
  readonly #key: string;
  readonly #keepNoise: boolean;
  readonly #regions = new Map<string, Spans<{ state: string }>>();
  readonly #cost = new Cost();
  readonly #oldest: Mark[] = [];
  #newest: Mark[] = [];
  #snapshot: AnySnapshot | undefined;
  #noiseOmitted = 0;
  #omitted = 0;

  constructor(actor: ActorName, { keepNoise }: { keepNoise: boolean }) {
    this.#actor = actor;
    this.#key = actorKey(actor.kind, actor.id);
    this.#keepNoise = keepNoise;
  }

  /** The state before the first record that is seen. */
  begin({ registry, seq, atMs, settings }: Core): void {
    const { kind, id } = this.#actor;
    const snapshot: AnySnapshot | undefined = registry.get(kind, id);
    if (!snapshot) return;
    this.#enter(snapshot, { seq, atMs });
    if (kind === "worker") this.#cost.begin(snapshot as SnapshotOf["worker"], settings);
  }

  /** A record, once the core has taken it in. */
  see(record: JournalRecord, changes: readonly Change[], core: Core): void {
    const change = changes.find(({ key }) => key === this.#key);
    const moment = { seq: record.seq, atMs: record.fact.atMs };
    const marks = this.#marksOf(record, change, namer(core, changes));
    for (const mark of marks) this.#keep(mark);
    if (change) this.#follow(change, moment);
    if (this.#actor.kind === "worker" && (change || record.fact.type === "config.loaded"))
      this.#count(moment, core, change?.removed === true);
  }

  finish(asOfMs: number) {
    this.#trim();
    const spans = [...this.#regions].flatMap(([region, { list }]) =>
      list.map((span) => ({ region, ...span })),
    );
    return {
      spans,
      marks: [...this.#oldest, ...this.#newest],
      noiseOmitted: this.#noiseOmitted,
      marksOmitted: this.#omitted,
      cost: this.#actor.kind === "worker" ? this.#cost.finish(asOfMs) : null,
    };
  }

  #follow({ after, removed }: Change, moment: Moment): void {
    if (!removed) return this.#enter(after, moment);
    // Its last state is one that it enters and leaves at once.
    this.#enter(after, moment);
    for (const spans of this.#regions.values()) spans.end(moment);
    this.#snapshot = undefined;
  }

  #enter(snapshot: AnySnapshot, moment: Moment): void {
    this.#snapshot = snapshot;
    for (const [region, state] of statesOf(this.#actor.kind, snapshot)) {
      let spans = this.#regions.get(region);
      if (!spans) this.#regions.set(region, (spans = new Spans()));
      if (state === "") spans.end(moment);
      else spans.enter({ state }, moment);
    }
  }

  #count({ atMs }: Moment, { settings }: Core, ended: boolean): void {
    const worker = this.#snapshot as SnapshotOf["worker"] | undefined;
    if (worker) this.#cost.follow(worker, atMs, { settings, ended: false });
    else if (ended) this.#cost.end(atMs);
  }

  #marksOf(record: JournalRecord, change: Change | undefined, nameOf: Names): Mark[] {
    const moment = { seq: record.seq, atMs: record.fact.atMs };
    const transitions = (change?.transitions ?? []).map((each) => byPath(this.#actor.kind, each));
    const parts = [
      ...this.#factMarks(record, change, nameOf),
      ...this.#decisionMarks(record, nameOf),
      ...this.#commandMarks(record, nameOf),
    ];
    const isQuiet = transitions.every(({ to }) => to === "");
    return parts.map((part, at) => ({
      ...moment,
      ...part,
      noise: part.noise && isQuiet && parts.length === 1,
      // They are the record's, so they stand once.
      transitions: at === 0 ? transitions : [],
    }));
  }

  #factMarks({ fact, decisions }: JournalRecord, change: Change | undefined, nameOf: Names) {
    const isNamed = actorsOf({ seq: 1, fact, commands: [], decisions: [] }).some(
      (key) => key === this.#key,
    );
    const isDecided = decisions.some((decision) => this.#concerns(decision));
    if (!isNamed && (!change || isDecided)) return [];
    const isOutcome = "commandId" in fact;
    return [
      {
        kind: isOutcome ? ("outcome" as const) : ("fact" as const),
        type: fact.type,
        text: factText(fact, nameOf),
        noise: NOISY.has(fact.type),
        causeSeq: isOutcome ? seqOfCommand(fact.commandId) : null,
      },
    ];
  }

  #decisionMarks(record: JournalRecord, nameOf: Names) {
    const creates = createdBy(record)
      .filter(({ command }) => this.#isAsked(command))
      .map(({ decision }) => decision);
    return record.decisions
      .filter((decision) => this.#concerns(decision) || creates.includes(decision as never))
      .map((decision) => ({
        kind: "decision" as const,
        type: decision.do,
        text: decisionText(decision, nameOf),
        noise: false,
        causeSeq: null,
      }));
  }

  #commandMarks({ commands }: JournalRecord, nameOf: Names) {
    return commands
      .filter((command) => this.#isAsked(command))
      .map((command) => ({
        kind: "command" as const,
        type: command.kind,
        text: commandText(command, nameOf),
        noise: false,
        causeSeq: null,
      }));
  }

  #concerns(decision: Decision): boolean {
    return concerns(decision, this.#actor);
  }

  #isAsked(command: Command): boolean {
    return asksOf(command, this.#actor);
  }

  #keep(mark: Mark): void {
    if (mark.noise && !this.#keepNoise) this.#noiseOmitted++;
    else if (this.#oldest.length < OLDEST_MAX) this.#oldest.push(mark);
    else if (this.#newest.push(mark) > 2 * NEWEST_MAX) this.#trim();
  }

  #trim(): void {
    const tooMany = this.#newest.length - NEWEST_MAX;
    if (tooMany <= 0) return;
    this.#newest = this.#newest.slice(tooMany);
    this.#omitted += tooMany;
  }
}

type Names = (workerId: string) => string;

/** Whether a decision is about the actor. */
export function concerns(decision: Decision, { kind, id }: ActorName): boolean {
  if (kind === "worker") return "worker" in decision && decision.worker === id;
  if (kind === "container") return "container" in decision && decision.container === id;
  if (kind === "throttle") return decision.do === "holdCreates";
  return (
    kind === "supervisor" && (decision.do === "delayRecovery" || decision.do === "finishRecovery")
  );
}

/** Whether a command is about the actor. */
export function asksOf(command: Command, { kind, id }: ActorName): boolean {
  if (kind === "worker") return "workerId" in command && command.workerId === id;
  return kind === "container" && "containerId" in command && command.containerId === id;
}

/** Its states by region; "" where a region has none. A container's waits are a region of their own. */
function statesOf(kind: ActorKind, { value, context }: AnySnapshot): [string, string][] {
  const states: [string, string][] =
    typeof value === "string" ? [["", value]] : Object.entries(value as Record<string, string>);
  if (kind === "container")
    states.push(["wait", (context as SnapshotOf["container"]["context"]).waitReason]);
  return states;
}
