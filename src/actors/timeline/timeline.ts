import type { Journal } from "../../drivers/journal/port.ts";
import type { Core } from "../../machines/core/core.ts";
import type { Change } from "../../machines/core/draft.ts";
import type { AnySnapshot } from "../../machines/core/registry.ts";
import type { ActorName } from "../../machines/explain/concerns.ts";
import { HistoryBuilder } from "../../machines/explain/history.ts";
import { LanesBuilder } from "../../machines/explain/lanes.ts";
import { namer } from "../../machines/explain/names.ts";
import { toldCore } from "../../machines/explain/told.ts";
import { actorKey } from "../../machines/model/ids.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import type { Settings } from "../../machines/model/settings.ts";
import { toldTimesOf, type ToldTimes } from "../../machines/model/told-times.ts";
import type { Released } from "../supervisor.ts";
import { makeTurns, type Turns } from "../turns.ts";
import { chainOf, type Chain } from "./chain.ts";
import { Folds } from "./folds.ts";
import { actorIn, namedIn, seqAt, timeOf, toldMoment, whoWas } from "./search.ts";
import { floorSeq } from "./start.ts";
import { TimelineError, type LastTransition, type Turn } from "./walk.ts";

export interface TimelineOptions {
  readonly journal: Journal;
  /** More are not folded at once. */
  readonly recordsMax: number;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
}

/** What can be shown: records from the first to the last, and what is missing before. */
export interface Bounds {
  readonly journalId: string;
  /** 0 where there is none. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly missing: string;
}

/** A record with what it changed, and the instance types that were configured then. */
export interface Seen extends Released {
  readonly types: Settings["instanceTypes"];
}

export interface ActorState {
  readonly actor: ActorName;
  readonly core: Core;
  readonly snapshot: AnySnapshot;
  readonly last: LastTransition | null;
}

/** Both ends inclusive. */
export interface SeqRange {
  readonly fromSeq?: number | undefined;
  readonly toSeq?: number | undefined;
}

/** Requests that wait for their turn. */
const WAITING_MAX = 16;
/** How far back an actor's last transition is looked for. */
const LAST_RECORDS_MAX = 20_000;

/**
 * A journal at any of its moments, with times as its newest run tells them (`ToldTimes`): states, records with what they
 * changed, lives of actors, and all workers side by side. One request at a time, in slices; each may be aborted.
 */
export class Timeline {
  readonly #journal: Journal;
  readonly #options: TimelineOptions;
  readonly #folds: Folds;
  readonly #inTurn: Turns = makeTurns(WAITING_MAX, "requests for the past");
  /** The time of the first record that can be shown, which is read once. */
  #first: { seq: number; atMs: number } | undefined;

  constructor(options: TimelineOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#folds = new Folds(options);
  }

  /** Throws `TimelineError` where nothing can be folded any more. */
  bounds(): Bounds {
    const journal = this.#journal;
    const { records, firstSeq, lastSeq, firstAtMs, lastAtMs } = journal.stats();
    const shared = { journalId: journal.id, lastSeq, lastAtMs };
    if (records === 0) return { ...shared, firstSeq: 0, firstAtMs: null, missing: "" };
    const shownSeq = floorSeq(journal) + 1;
    if (shownSeq <= 1) {
      const toldMs = firstAtMs === null ? null : this.#times().timeAt(firstSeq, firstAtMs);
      return { ...shared, firstSeq, firstAtMs: toldMs, missing: "" };
    }
    const first = Math.min(shownSeq, lastSeq);
    const atMs = this.#timeOfFirst(first);
    const missing =
      `what came before record ${first} is not shown: older records were pruned` +
      (firstSeq < first ? `, and there is no state to fold those from ${firstSeq} on from` : "");
    return { ...shared, firstSeq: first, firstAtMs: atMs, missing };
  }

  get lastSeq(): number {
    return this.#journal.lastSeq;
  }

  /** When a record came about, of those within the bounds. */
  timeOf(seq: number): number {
    const atMs = timeOf(this.#journal, seq);
    return atMs === Infinity ? 0 : this.#times().timeAt(seq, atMs);
  }

  /** The newest record at or before a time. */
  seqAt(atMs: number): number {
    const { firstSeq, lastSeq } = this.bounds();
    if (firstSeq === 0) return 0;
    return seqAt(this.#journal, atMs, { times: this.#times(), firstSeq, lastSeq });
  }

  /** A time that a user names, as it is told now: a run that was ahead has recorded times that are still to come. */
  toldMoment(atMs: number, nowMs: number): number {
    const { firstSeq, lastSeq } = this.bounds();
    const searched = { times: this.#times(), firstSeq, lastSeq };
    return toldMoment(this.#journal, atMs, searched, nowMs);
  }

  /** The state after a record; to be read only. */
  state(seq: number, signal?: AbortSignal): Promise<Core> {
    return this.#take(signal, async (turn) => {
      const { core } = await this.#folds.at(seq, turn);
      return toldCore(core, this.#times());
    });
  }

  /** Records from one on, with the state before them. */
  records(fromSeq: number, limit: number, signal?: AbortSignal): Promise<readonly Seen[]> {
    const toSeq = Math.min(fromSeq + limit - 1, this.#journal.lastSeq);
    return this.#take(signal, async (turn) => {
      const seen: Seen[] = [];
      await this.#folds.walk(
        fromSeq,
        { ...turn, toSeq },
        {
          see: (record, changes, core) => void seen.push(seenOf(record, changes, core)),
        },
      );
      return seen;
    });
  }

  /** A record, and from it back to the fact that began it, as far as it concerns the actor, where one is named. */
  record(
    seq: number,
    actorId: string | undefined,
    signal?: AbortSignal,
  ): Promise<{ seen: Seen; chain: Chain }> {
    return this.#take(signal, async (turn) => {
      let seen: Seen | undefined;
      let chain: Chain | undefined;
      const times = this.#times();
      await this.#folds.walk(
        seq,
        { ...turn, toSeq: seq },
        {
          see: (record, changes, core) => {
            seen = seenOf(record, changes, core);
            const actor = actorId === undefined ? undefined : actorIn(core, actorId);
            chain = chainOf(this.#journal, seq, { actor, names: namer(core, changes), times });
          },
        },
      );
      if (!seen || !chain) throw new Error(`record ${seq} was not read`);
      return { seen, chain };
    });
  }

  /** An actor after a record; undefined where nobody is called that then. */
  actor(id: string, seq: number, signal?: AbortSignal): Promise<ActorState | undefined> {
    return this.#take(signal, async (turn) => {
      const { core: folded, last } = await this.#folds.at(seq, turn);
      const times = this.#times();
      const core = toldCore(folded, times);
      const actor = actorIn(core, id);
      const snapshot = actor && (core.registry.get(actor.kind, actor.id) as AnySnapshot);
      if (!actor || !snapshot) return undefined;
      const key = actorKey(actor.kind, actor.id);
      const found = last.get(key);
      const told = found && { ...found, atMs: times.timeAt(found.seq, found.atMs) };
      return { actor, core, snapshot, last: told ?? (await this.#lastBefore(actor, seq, turn)) };
    });
  }

  /** The life of an actor, also of one that is gone; undefined where the journal has never heard of it. */
  async history(
    id: string,
    range: SeqRange & { readonly keepNoise: boolean },
    signal?: AbortSignal,
  ) {
    return this.#take(signal, async (turn) => {
      const actor = await this.#whoWas(id, turn);
      if (!actor) return undefined;
      const bounds = this.bounds();
      const span = this.#lifeOf(actor, bounds, range);
      const builder = new HistoryBuilder(actor, range);
      const isKnown = ({ registry }: Core) => registry.get(actor.kind, actor.id) !== undefined;
      let wasKnown = false;
      let asOfMs = bounds.firstAtMs ?? 0;
      let toSeq = span.fromSeq - 1;
      await this.#folds.walk(
        span.fromSeq,
        { ...turn, toSeq: span.toSeq, about: actor.id },
        {
          begin: (core) => {
            builder.begin(core);
            wasKnown = isKnown(core);
          },
          see: (record, changes, core) => {
            builder.see(record, changes, core);
            asOfMs = record.fact.atMs;
            toSeq = record.seq;
            return isKnown(core) || record.seq < span.lastNamedSeq;
          },
        },
      );
      const isCut = wasKnown && span.fromSeq === bounds.firstSeq && span.missing === "";
      const missing = [isCut ? bounds.missing : span.missing];
      const built = builder.finish(asOfMs);
      if (built.marksOmitted > 0)
        missing.push(`${built.marksOmitted} marks in the middle are left out: ask for a range`);
      return { actor, bounds, toSeq, asOfMs, ...built, missing: joined(missing) };
    });
  }

  /** All workers side by side between two times, and how busy the dispatcher was. */
  async lanes(
    range: { readonly fromMs: number; readonly toMs: number; readonly binsCount: number },
    signal?: AbortSignal,
  ) {
    return this.#take(signal, async (turn) => {
      const { recordsMax } = this.#options;
      const bounds = this.bounds();
      const builder = new LanesBuilder(range);
      if (bounds.firstSeq === 0) return { bounds, ...builder.finish(range.toMs), truncated: "" };
      const toSeq = this.seqAt(range.toMs);
      const wantedSeq = Math.max(bounds.firstSeq, this.seqAt(range.fromMs - 1) + 1);
      const fromSeq = Math.max(wantedSeq, toSeq - recordsMax + 1);
      await this.#folds.walk(fromSeq, { ...turn, toSeq, about: "" }, builder);
      const left =
        fromSeq > wantedSeq
          ? `records ${wantedSeq} to ${fromSeq - 1} are left out: more than ${recordsMax}; ask for a shorter time`
          : "";
      // What comes after the last record has not been read: it may not have happened yet.
      const asOfMs = Math.max(range.fromMs, Math.min(range.toMs, bounds.lastAtMs ?? range.toMs));
      return { bounds, ...builder.finish(asOfMs), truncated: joined([bounds.missing, left]) };
    });
  }

  #take<T>(signal: AbortSignal | undefined, work: (turn: Turn) => Promise<T>): Promise<T> {
    return this.#inTurn(() => work({ pause: this.#options.pause, signal }), signal);
  }

  #times(): ToldTimes {
    return toldTimesOf(this.#journal);
  }

  #timeOfFirst(seq: number): number {
    if (this.#first?.seq !== seq) this.#first = { seq, atMs: this.timeOf(seq) };
    return this.#first.atMs;
  }

  /** Where the fold began too late to have seen it. */
  async #lastBefore(actor: ActorName, seq: number, turn: Turn): Promise<LastTransition | null> {
    const floor = floorSeq(this.#journal);
    const named = this.#journal.seqsOf(actorKey(actor.kind, actor.id), {
      limit: 50,
      beforeSeq: seq + 1,
    });
    const oldest = named[0] ?? seq;
    const fromSeq = Math.max(floor + 1, Math.min(oldest, seq), seq - LAST_RECORDS_MAX);
    let found: LastTransition | null = null;
    await this.#folds.walk(
      fromSeq,
      { ...turn, toSeq: seq, about: actor.id },
      {
        see: (record, changes) => {
          const change = changes.find(({ kind, id }) => kind === actor.kind && id === actor.id);
          const taken = change?.transitions.findLast(({ to }) => to !== "");
          if (taken) found = { ...taken, seq: record.seq, atMs: record.fact.atMs };
        },
      },
    );
    return found;
  }

  #whoWas(id: string, turn: Turn): Promise<ActorName | undefined> {
    const { recordsMax } = this.#options;
    const journal = this.#journal;
    // One that nothing has named since the oldest records were pruned, or that goes by the cloud's name.
    const known = async () => actorIn((await this.#folds.at(journal.lastSeq, turn)).core, id);
    return whoWas(id, known, { ...turn, journal, recordsMax });
  }

  /** Which records tell of it: from the first that names it, or as far back as may be read. */
  #lifeOf(actor: ActorName, bounds: Bounds, range: SeqRange) {
    const { recordsMax } = this.#options;
    const named = namedIn(this.#journal, actor);
    const { firstSeq = bounds.firstSeq, lastSeq: lastNamedSeq = bounds.lastSeq } = named;
    const wantedSeq = Math.max(firstSeq, range.fromSeq ?? 0, 1);
    const toSeq = Math.min(range.toSeq ?? bounds.lastSeq, bounds.lastSeq);
    const foldable = Math.max(wantedSeq, bounds.firstSeq);
    const needed = Math.min(toSeq, Math.max(lastNamedSeq, foldable));
    const fromSeq = Math.max(foldable, needed - recordsMax + 1);
    const missing = joined([
      wantedSeq < foldable ? bounds.missing : "",
      fromSeq > foldable
        ? `records ${foldable} to ${fromSeq - 1} are left out: more than ${recordsMax}; ask for an earlier range`
        : "",
    ]);
    return { fromSeq, toSeq, lastNamedSeq, missing };
  }
}

export { TimelineError };

function seenOf(record: JournalRecord, changes: readonly Change[], core: Core): Seen {
  return { record, changes, types: core.settings?.instanceTypes ?? {} };
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join("; ");
}
