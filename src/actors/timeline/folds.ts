import type { Journal } from "../../drivers/journal/port.ts";
import { CODE_VERSION, Core } from "../../machines/core/core.ts";
import type { Change } from "../../machines/core/draft.ts";
import { foldRecord } from "../../machines/core/replay.ts";
import { ACTOR_KINDS, type ActorKey } from "../../machines/model/ids.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import type { TakenTransition } from "../../machines/step.ts";

/** The journal cannot tell: the message says why, and the way out. */
export class TimelineError extends Error {
  override readonly name = "TimelineError";
  readonly code: "pruned" | "other-version" | "too-far";

  constructor(code: TimelineError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The transition of an actor that last changed its state. */
export interface LastTransition extends TakenTransition {
  readonly seq: number;
  readonly atMs: number;
}

/** What the records up to one of them fold to. */
export interface Fold {
  readonly core: Core;
  /** As far as it was seen since the fold began, at a checkpoint. */
  readonly last: Map<ActorKey, LastTransition>;
}

/** Who asks, and how the work is shared with others. */
export interface FoldTurn {
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

export interface Walk extends FoldTurn {
  /** The first record to be seen. */
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Sees the state before the first record. */
  readonly begin?: (core: Core) => void;
  /** False ends it. The state is the one after the record. */
  readonly visit: (record: JournalRecord, changes: readonly Change[], core: Core) => boolean | void;
  /** What may be left out of a record; the state is not kept then. */
  readonly reduce?: (record: JournalRecord) => JournalRecord;
}

export interface FoldsOptions {
  readonly journal: Journal;
  /** Records that one request may fold to come to where it begins. */
  readonly recordsMax: number;
}

/** Records and changes between two pauses: some milliseconds of the event loop. */
const SLICE_STEPS = 200;
/** States kept for who goes on from there, and all of their actors together. */
const WARM_MAX = 24;
const WARM_ACTORS_MAX = 400_000;
/** On a long way a state is kept each so many records: whoever steps back begins there. */
const WAYPOINT_RECORDS = 2_000;

/**
 * Folds a journal to any of its records, from the nearest state before it: a checkpoint, or one that an earlier request
 * came to. Not for two at once.
 */
export class Folds {
  readonly #options: FoldsOptions;
  /** By seq; the one used last is at the end. */
  readonly #warm = new Map<number, Fold>();

  constructor(options: FoldsOptions) {
    this.#options = options;
  }

  /** The oldest seq whose state can be known: 0, or where the records that are left can be folded from. */
  floorSeq(): number {
    const { journal } = this.#options;
    const pruned = prunedSeq(journal);
    if (pruned === 0) return 0;
    const floor = journal
      .checkpointSeqs()
      .find((seq) => seq >= pruned && checkpointAt(journal, seq)?.seq === seq);
    if (floor !== undefined) return floor;
    throw new TimelineError(
      "pruned",
      `the records up to ${pruned} were pruned, and no checkpoint of this version (${CODE_VERSION}) of the deciding code ` +
        "is left to begin with: it comes with the dispatcher's next one",
    );
  }

  /** The state after the record. It is the caller's to read, not to change. */
  async at(seq: number, turn: FoldTurn): Promise<Fold> {
    const kept = this.#warm.get(seq);
    if (kept) {
      this.#keep(kept);
      return kept;
    }
    const fold = this.#start(seq);
    await this.#advance(fold, seq, turn);
    this.#keep(fold);
    return fold;
  }

  /** Folds on from before a record to another one, and shows each on the way. */
  async walk(walk: Walk): Promise<void> {
    const { fromSeq, toSeq, begin, visit, reduce } = walk;
    const start = await this.at(fromSeq - 1, walk);
    const fold = forkOf(start);
    begin?.(fold.core);
    const slices = makeSlices(walk);
    for (const record of this.#options.journal.read({ fromSeq, toSeq })) {
      const changes = takeIn(fold, reduce ? reduce(record) : record);
      if (visit(record, changes, fold.core) === false) break;
      await slices.count(1 + changes.length);
    }
    if (!reduce) this.#keep(fold);
  }

  #start(seq: number): Fold {
    const { journal } = this.#options;
    const warm = this.#nearest(seq);
    const checkpoint = checkpointAt(journal, seq);
    const pruned = prunedSeq(journal);
    const usable = checkpoint && checkpoint.seq >= pruned ? checkpoint : undefined;
    if (warm && warm.core.seq >= (usable?.seq ?? 0)) return forkOf(warm);
    if (usable) return { core: Core.restore(usable.state), last: new Map() };
    const floor = this.floorSeq();
    if (floor === 0) return { core: new Core(journal.id), last: new Map() };
    throw new TimelineError(
      "pruned",
      `record ${seq} is no longer in the journal, or too old to be shown: what is left begins with record ${floor + 1}`,
    );
  }

  #nearest(seq: number): Fold | undefined {
    let nearest: Fold | undefined;
    for (const fold of this.#warm.values())
      if (fold.core.seq <= seq && fold.core.seq > (nearest?.core.seq ?? -1)) nearest = fold;
    return nearest;
  }

  async #advance(fold: Fold, toSeq: number, turn: FoldTurn): Promise<void> {
    const { journal, recordsMax } = this.#options;
    const { core } = fold;
    if (core.seq >= toSeq) return;
    const slices = makeSlices(turn);
    let count = 0;
    for (const record of journal.read({ fromSeq: core.seq + 1, toSeq })) {
      const changes = takeIn(fold, record);
      count++;
      if (count % WAYPOINT_RECORDS === 0) this.#keep(forkOf(fold));
      if (count >= recordsMax && core.seq < toSeq) {
        this.#keep(forkOf(fold));
        throw tooFar(core.seq, toSeq);
      }
      await slices.count(1 + changes.length);
    }
  }

  #keep(fold: Fold): void {
    const { seq } = fold.core;
    this.#warm.delete(seq);
    this.#warm.set(seq, fold);
    let actors = 0;
    for (const each of this.#warm.values()) actors += actorsCount(each.core);
    for (const [oldSeq, old] of this.#warm) {
      const isLast = this.#warm.size === 1;
      if (isLast || (this.#warm.size <= WARM_MAX && actors <= WARM_ACTORS_MAX)) return;
      actors -= actorsCount(old.core);
      this.#warm.delete(oldSeq);
    }
  }
}

function tooFar(seq: number, toSeq: number): TimelineError {
  return new TimelineError(
    "too-far",
    `record ${toSeq} is far from any state that is kept; the records up to ${seq} have been folded: ask again to go on`,
  );
}

function actorsCount({ registry }: Core): number {
  return ACTOR_KINDS.reduce((sum, kind) => sum + registry.size(kind), 0);
}

function forkOf({ core, last }: Fold): Fold {
  return { core: core.fork(), last: new Map(last) };
}

/** Records up to it are gone. */
function prunedSeq(journal: Journal): number {
  const { records, firstSeq, lastSeq } = journal.stats();
  return records === 0 ? lastSeq : firstSeq - 1;
}

function checkpointAt(journal: Journal, atOrBeforeSeq: number) {
  return journal.checkpoint({ atOrBeforeSeq, code: CODE_VERSION });
}

function takeIn({ core, last }: Fold, record: JournalRecord): readonly Change[] {
  let changes: readonly Change[];
  try {
    ({ changes } = foldRecord(core, record));
  } catch (error) {
    throw new TimelineError(
      "other-version",
      `record ${record.seq} cannot be folded by this version (${CODE_VERSION}) of the deciding code: look at it with ` +
        "the release that wrote it",
      { cause: error },
    );
  }
  for (const { key, transitions, removed } of changes) {
    const taken = transitions.findLast(({ to }) => to !== "");
    if (removed) last.delete(key);
    else if (taken) last.set(key, { ...taken, seq: record.seq, atMs: record.fact.atMs });
  }
  return changes;
}

function makeSlices({ pause, signal }: FoldTurn): { count(steps: number): Promise<void> } {
  let steps = 0;
  return {
    async count(more) {
      steps += more;
      if (steps < SLICE_STEPS) return;
      steps = 0;
      await pause();
      signal?.throwIfAborted();
    },
  };
}
