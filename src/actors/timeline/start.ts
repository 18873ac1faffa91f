import type { Checkpoint, Journal } from "../../drivers/journal/port.ts";
import { CODE_VERSION, Core } from "../../machines/core/core.ts";
import { TimelineError, type Fold } from "./walk.ts";

/** The oldest seq whose state can be known: 0, or where the records that are left can be folded from. */
export function floorSeq(journal: Journal): number {
  const floor = prunedSeq(journal) === 0 ? 0 : firstCheckpoint(journal)?.seq;
  if (floor === undefined) throw nothingToBeginWith(journal);
  return floor;
}

/** The newest one at or before a record from which all records up to there are left. */
export function lastCheckpoint(journal: Journal, atOrBeforeSeq: number): Checkpoint | undefined {
  const checkpoint = journal.checkpoint({ atOrBeforeSeq, code: CODE_VERSION });
  return checkpoint && checkpoint.seq >= prunedSeq(journal) ? checkpoint : undefined;
}

/** The oldest one between two records, ends included, from which all that follow are left. */
export function firstCheckpoint(
  journal: Journal,
  { fromSeq = 0, toSeq = Infinity } = {},
): Checkpoint | undefined {
  const oldestSeq = Math.max(fromSeq, prunedSeq(journal));
  for (const seq of journal.checkpointSeqs()) {
    if (seq < oldestSeq || seq > toSeq) continue;
    const checkpoint = lastCheckpoint(journal, seq);
    if (checkpoint?.seq === seq) return checkpoint;
  }
  return undefined;
}

/** A checkpoint's state, without one that before all records; undefined where those were pruned. */
export function startFrom(journal: Journal, checkpoint: Checkpoint | undefined): Fold | undefined {
  if (checkpoint) return { core: Core.restore(checkpoint.state), last: new Map() };
  return prunedSeq(journal) === 0 ? { core: new Core(journal.id), last: new Map() } : undefined;
}

export function nothingToBeginWith(journal: Journal): TimelineError {
  return new TimelineError(
    "pruned",
    `the records up to ${prunedSeq(journal)} were pruned, and no checkpoint of this version (${CODE_VERSION}) of the ` +
      "deciding code is left to begin with: it comes with the dispatcher's next one",
  );
}

/** Records up to it are gone. */
export function prunedSeq(journal: Journal): number {
  const { records, firstSeq, lastSeq } = journal.stats();
  return records === 0 ? lastSeq : firstSeq - 1;
}
