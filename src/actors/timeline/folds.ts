import type { Journal } from "../../drivers/journal/port.ts";
import type { Core } from "../../machines/core/core.ts";
import type { JournalVisitor } from "../../machines/explain/visitor.ts";
import { ACTOR_KINDS } from "../../machines/model/ids.ts";
import { floorSeq, lastCheckpoint, startFrom } from "./start.ts";
import { foldOn, TimelineError, walk, type Fold, type Turn, type Way } from "./walk.ts";

export interface FoldsOptions {
  readonly journal: Journal;
  /** Records that one request may fold to come to where it begins. */
  readonly recordsMax: number;
}

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

  /** The state after the record. It is the caller's to read, not to change. */
  async at(seq: number, turn: Turn): Promise<Fold> {
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

  /** Shows a visitor the state before a record, and from there on each record up to another. */
  async walk(fromSeq: number, way: Way, visitor: JournalVisitor): Promise<void> {
    const fold = forkOf(await this.at(fromSeq - 1, way));
    await walk(this.#options.journal, fold, way, visitor);
    if (way.about === undefined) this.#keep(fold);
  }

  #start(seq: number): Fold {
    const { journal } = this.#options;
    const warm = this.#nearest(seq);
    const checkpoint = lastCheckpoint(journal, seq);
    if (warm && warm.core.seq >= (checkpoint?.seq ?? 0)) return forkOf(warm);
    const start = startFrom(journal, checkpoint);
    if (start) return start;
    throw new TimelineError(
      "pruned",
      `record ${seq} is no longer in the journal, or too old to be shown: what is left begins with record ${floorSeq(journal) + 1}`,
    );
  }

  #nearest(seq: number): Fold | undefined {
    let nearest: Fold | undefined;
    for (const fold of this.#warm.values())
      if (fold.core.seq <= seq && fold.core.seq > (nearest?.core.seq ?? -1)) nearest = fold;
    return nearest;
  }

  async #advance(fold: Fold, toSeq: number, { pause, signal }: Turn): Promise<void> {
    const { journal, recordsMax } = this.#options;
    const { core } = fold;
    if (core.seq >= toSeq) return;
    const startSeq = core.seq;
    const isCut = await foldOn(journal, fold, { pause, signal, toSeq, recordsMax }, ({ seq }) => {
      if ((seq - startSeq) % WAYPOINT_RECORDS === 0) this.#keep(forkOf(fold));
    });
    if (!isCut) return;
    this.#keep(fold);
    throw tooFar(core.seq, toSeq);
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
