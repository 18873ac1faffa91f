import { batchChecksum, parseBatch, type Batch, type Link } from "./batch.ts";
import { badChecksum, follows, gap, rawBatches, readLastSeq } from "./batches.ts";
import { idAt, readBase } from "./meta.ts";
import type { JournalError, JournalProblem } from "./port.ts";
import { toJournalError } from "./sqlite-error.ts";
import type { Store } from "./store.ts";

/** One step of a walk: a batch, or only what is wrong behind the last one. */
export interface ChainStep {
  readonly batch: Batch | undefined;
  readonly problems: readonly JournalProblem[];
  /** Where the walk ends. */
  readonly lastSeq: number;
}

/** About this much is looked at before others have their turn: some milliseconds. */
const STEP_BYTES = 256 * 1024;
const PROBLEMS_MAX = 100;

/** All batches up to what was last when it began, against the chain of checksums; goes on after damage. */
export function* walkChain(store: Store): Generator<ChainStep> {
  const lastSeq = readLastSeq(store);
  let link: Link = readBase(store);
  let computed = link.checksum;
  for (const batch of rawBatches(store, link.seq + 1, lastSeq)) {
    const problems: JournalProblem[] = [];
    if (batch.firstSeq !== link.seq + 1) {
      const base = readBase(store);
      // A dispatcher may prune what is being checked.
      if (base.seq > link.seq) link = base;
      if (batch.firstSeq > link.seq + 1) {
        problems.push(toProblem(gap(store, link.seq + 1, batch.firstSeq - 1)));
      }
    }
    const missing = batch.firstSeq !== link.seq + 1;
    // After a flipped checksum its successor still follows the right one: that is one problem, not two.
    const good =
      follows(store, link, batch) || follows(store, { seq: link.seq, checksum: computed }, batch);
    if (!good && !missing) problems.push(toProblem(badChecksum(store, batch)));
    computed = batchChecksum(idAt(store, batch.firstSeq), link.checksum, batch, batch.body);
    yield { batch, problems, lastSeq };
    link = { seq: Math.max(batch.firstSeq, batch.lastSeq), checksum: batch.checksum };
  }
  const isCut = link.seq < lastSeq;
  const problems = isCut ? [toProblem(gap(store, link.seq + 1, lastSeq))] : [];
  yield { batch: undefined, problems, lastSeq };
}

/** The walk in small steps. It ends early where `goOn` answers false. */
export async function checkChainSlowly(
  store: Store,
  goOn: () => Promise<boolean>,
): Promise<readonly JournalProblem[]> {
  const found: JournalProblem[] = [];
  let bytes = 0;
  try {
    for (const { batch, problems } of walkChain(store)) {
      found.push(...problems, ...(batch && problems.length === 0 ? problemOf(store, batch) : []));
      bytes += batch?.body.length ?? 0;
      if (found.length >= PROBLEMS_MAX) break;
      if (bytes < STEP_BYTES) continue;
      bytes = 0;
      if (!(await goOn())) return [];
    }
  } catch (error) {
    found.push(toProblem(toJournalError(error, store.path, "checking the chain")));
  }
  return found;
}

function problemOf(store: Store, batch: Batch): JournalProblem[] {
  try {
    parseBatch(batch, store.path);
    return [];
  } catch (error) {
    return [toProblem(toJournalError(error, store.path, "checking the chain"))];
  }
}

export function toProblem(error: JournalError): JournalProblem {
  return { code: error.code, seq: error.seq ?? null, message: error.message };
}
