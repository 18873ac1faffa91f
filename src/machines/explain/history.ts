import type { Core } from "../core/core.ts";
import type { Change } from "../core/draft.ts";
import type { AnySnapshot, SnapshotOf } from "../core/registry.ts";
import type { Decision } from "../model/decision.ts";
import type { Fact } from "../model/fact.ts";
import { actorKey, seqOfCommand, type ActorKind } from "../model/ids.ts";
import { actorsOf } from "../model/record-actors.ts";
import type { JournalRecord } from "../model/record.ts";
import type { TakenTransition } from "../step.ts";
import { asksOf, concerns, createdBy, type ActorName } from "./concerns.ts";
import { Cost } from "./cost.ts";
import { EndFinder } from "./container-end.ts";
import { Ends } from "./ends.ts";
import { factText } from "./fact-text.ts";
import { Runs } from "./runs.ts";
import { Spans, type Moment } from "./spans.ts";
import { byPath } from "./state-path.ts";
import { namer, type Names } from "./names.ts";
import { commandText, decisionText } from "./steps.ts";
import type { JournalVisitor } from "./visitor.ts";

export type MarkKind = "fact" | "decision" | "command" | "outcome";

/** Something of a record that concerns an actor. */
export interface Mark extends Moment {
  readonly kind: MarkKind;
  readonly type: string;
  readonly text: string;
  /** It only repeats or confirms what was known. */
  readonly noise: boolean;
  /** Something went wrong, or a container ended badly. */
  readonly failed: boolean;
  readonly transitions: readonly TakenTransition[];
  /** The record that asked for what this is the outcome of. */
  readonly causeSeq: number | null;
}

const MARKS_KEPT = { oldestMax: 500, newestMax: 4_500 };

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
export class HistoryBuilder implements JournalVisitor {
  readonly #actor: ActorName;
  readonly #key: string;
  readonly #keepNoise: boolean;
  readonly #regions = new Map<string, Spans<{ state: string }>>();
  readonly #cost = new Cost();
  readonly #marks = new Ends<Mark>(MARKS_KEPT);
  #snapshot: AnySnapshot | undefined;
  /** Of a container. */
  readonly #runs = new Runs();
  readonly #end = new EndFinder((containerId) => this.#isIt(containerId));
  #noiseOmitted = 0;

  constructor(actor: ActorName, { keepNoise }: { keepNoise: boolean }) {
    this.#actor = actor;
    this.#key = actorKey(actor.kind, actor.id);
    this.#keepNoise = keepNoise;
  }

  begin({ registry, seq, atMs, settings }: Core): void {
    const { kind, id } = this.#actor;
    const snapshot: AnySnapshot | undefined = registry.get(kind, id);
    if (!snapshot) return;
    this.#enter(snapshot, { seq, atMs });
    if (kind === "worker") this.#cost.begin(snapshot as SnapshotOf["worker"], settings);
  }

  see(record: JournalRecord, changes: readonly Change[], core: Core): void {
    const change = changes.find(({ key }) => key === this.#key);
    const moment = { seq: record.seq, atMs: record.fact.atMs };
    if (this.#actor.kind === "container") this.#seeEnd(record, changes);
    const marks = this.#marksOf(record, change, namer(core, changes));
    for (const mark of marks) this.#keep(mark);
    if (change) this.#follow(change, moment);
    if (this.#actor.kind === "worker" && (change || record.fact.type === "config.loaded"))
      this.#count(moment, core, change?.removed === true);
  }

  finish(asOfMs: number) {
    const { kept, omitted } = this.#marks.finish();
    const spans = [...this.#regions].flatMap(([region, { list }]) =>
      list.map((span) => ({ region, ...span })),
    );
    return {
      spans,
      marks: kept,
      noiseOmitted: this.#noiseOmitted,
      marksOmitted: omitted,
      end: this.#end.finish(this.#runs.list) ?? null,
      cost: this.#actor.kind === "worker" ? this.#cost.finish(asOfMs) : null,
    };
  }

  #isIt(containerId: string): boolean {
    return this.#actor.kind === "container" && this.#actor.id === containerId;
  }

  #seeEnd(record: JournalRecord, changes: readonly Change[]): void {
    this.#end.see(record);
    for (const change of changes)
      if (change.kind === "worker")
        this.#runs.see(change, record, (containerId) => this.#isIt(containerId));
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

  #marksOf(record: JournalRecord, change: Change | undefined, names: Names): Mark[] {
    const moment = { seq: record.seq, atMs: record.fact.atMs };
    const transitions = (change?.transitions ?? []).map((each) => byPath(this.#actor.kind, each));
    const parts: Part[] = [
      ...this.#factMarks(record, change, names),
      ...this.#decisionMarks(record, names),
      ...this.#commandMarks(record, names),
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

  #factMarks({ fact, decisions }: JournalRecord, change: Change | undefined, names: Names) {
    const isNamed = actorsOf({ seq: 1, fact, commands: [], decisions: [] }).some(
      (key) => key === this.#key,
    );
    const isDecided = decisions.some((decision) => concerns(decision, this.#actor));
    if (!isNamed && (!change || isDecided)) return [];
    const isOutcome = "commandId" in fact;
    return [
      {
        kind: isOutcome ? ("outcome" as const) : ("fact" as const),
        type: fact.type,
        text: factText(fact, names),
        noise: NOISY.has(fact.type),
        failed: isFailure(fact),
        causeSeq: isOutcome ? seqOfCommand(fact.commandId) : null,
      },
    ];
  }

  #decisionMarks(record: JournalRecord, names: Names) {
    const creates: Decision[] = createdBy(record)
      .filter(({ command }) => asksOf(command, this.#actor))
      .map(({ decision }) => decision);
    return record.decisions
      .filter((decision) => concerns(decision, this.#actor) || creates.includes(decision))
      .map((decision) => ({
        kind: "decision" as const,
        type: decision.do,
        text: decisionText(decision, names),
        noise: false,
        failed: false,
        causeSeq: null,
      }));
  }

  #commandMarks({ commands }: JournalRecord, names: Names) {
    return commands
      .filter((command) => asksOf(command, this.#actor))
      .map((command) => ({
        kind: "command" as const,
        type: command.kind,
        text: commandText(command, names),
        noise: false,
        failed: false,
        causeSeq: null,
      }));
  }

  #keep(mark: Mark): void {
    if (mark.noise && !this.#keepNoise) this.#noiseOmitted++;
    else this.#marks.add(mark);
  }
}

type Part = Omit<Mark, keyof Moment | "transitions">;

/** What the other side refused or could not do, and a container that failed. */
function isFailure(fact: Fact): boolean {
  if ("failure" in fact || fact.type === "probe.failed" || fact.type === "container.rejected")
    return true;
  if (fact.type === "start.returned") return fact.outcome !== "started";
  if (fact.type !== "container.changed" || !fact.end) return false;
  return fact.end.error !== "" || (fact.end.exitCode ?? 0) !== 0;
}

/** Its states by region; "" where a region has none. A container's waits are a region of their own. */
function statesOf(kind: ActorKind, { value, context }: AnySnapshot): [string, string][] {
  const states: [string, string][] =
    typeof value === "string" ? [["", value]] : Object.entries(value as Record<string, string>);
  if (kind === "container")
    states.push(["wait", (context as SnapshotOf["container"]["context"]).waitReason]);
  return states;
}
