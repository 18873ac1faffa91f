import type { FactOf } from "./fact.ts";
import { CLOCK_SET_BACK, type ActorKey } from "./ids.ts";
import type { JournalRecord } from "./record.ts";

/** Puts an instant (ms) of the runs before into the time of a start that found the clock set back. */
export type Move = (atMs: number) => number;

/**
 * The last run's instants keep their distance from its end, which is taken to be now; what is older is before its start.
 * The order of any two instants stays, and none that was past is in the future afterwards. Undefined of a start that found
 * the clock to have gone on.
 */
export function moveOf({
  atMs,
  setBack,
}: Pick<FactOf<"daemon.started">, "atMs" | "setBack">): Move | undefined {
  if (!setBack) return undefined;
  const { fromMs, sinceMs } = setBack;
  const byMs = fromMs - atMs;
  return (ms) => (ms < sinceMs ? Math.min(ms, sinceMs - byMs) : ms - byMs);
}

/**
 * The times of a journal as its newest run tells them. A run may have been ahead of the one that follows, whose start set
 * the time back: its times are moved with it, as the state's were, so that times never decrease from record to record and
 * no span is negative. Without such a start all is as recorded.
 */
export class ToldTimes {
  readonly #setBacks: readonly { readonly seq: number; readonly move: Move }[];

  /** Of all starts that set the time back, ascending; other records do not matter. */
  constructor(starts: Iterable<JournalRecord> = []) {
    this.#setBacks = [...starts].flatMap(({ seq, fact }) => {
      const move = fact.type === "daemon.started" ? moveOf(fact) : undefined;
      return move ? [{ seq, move }] : [];
    });
  }

  /** Numbers of those starts: between two of them, times never decrease as recorded either. */
  get seqs(): readonly number[] {
    return this.#setBacks.map(({ seq }) => seq);
  }

  /** What moves the times that a record tells; undefined where they stand. */
  moveAt(seq: number): Move | undefined {
    if (seq >= (this.#setBacks.at(-1)?.seq ?? 0)) return undefined;
    const later = this.#setBacks.filter((each) => each.seq > seq);
    return (atMs) => later.reduce((told, { move }) => move(told), atMs);
  }

  timeAt(seq: number, atMs: number): number {
    return this.moveAt(seq)?.(atMs) ?? atMs;
  }
}

/** How the times of a journal's records are to be told. Throws what reading it does. */
export function toldTimesOf(journal: {
  seqsOf(key: ActorKey): readonly number[];
  read(range: { readonly fromSeq: number; readonly toSeq: number }): Iterable<JournalRecord>;
}): ToldTimes {
  const seqs = journal.seqsOf(CLOCK_SET_BACK);
  return new ToldTimes(seqs.flatMap((seq) => [...journal.read({ fromSeq: seq, toSeq: seq })]));
}
