import { setImmediate as nextTurn } from "node:timers/promises";
import type { JournalRecord } from "../../machines/model/record.ts";
import type { ToldTimes } from "../../machines/model/told-times.ts";
import { dropIndexed, findSeqs } from "./actor-index.ts";
import { ageCutoffMs } from "./age-limit.ts";
import { parseBatch, type Batch } from "./batch.ts";
import { rawBatches, readRecords } from "./batches.ts";
import { findCheckpoint } from "./checkpoints.ts";
import { timesOf } from "./journal-times.ts";
import { JournalError, type PruneLimits } from "./port.ts";
import { readBase, readMeta, sealMeta, writeMeta } from "./meta.ts";
import { inTransaction, pragma } from "./rows.ts";
import { sizes, type Store } from "./store.ts";

/** Per transaction, so that appends get their turn in between. */
const STEP_BATCHES = 50;
const STEP_BYTES = 4 * 1024 * 1024;
const VACUUM_PAGES = 1_000;

/**
 * Removes the oldest batches as far as age and size ask for it and the newest intact checkpoint allows, and gives their
 * space back to the file system; stops early where the journal is closed meanwhile. The checksum of the last one removed stays as the base of the chain.
 */
export async function pruneStore(
  store: Store,
  limits: PruneLimits,
  isOpen: () => boolean,
): Promise<number> {
  const keepAfterSeq = findCheckpoint(store)?.seq ?? 0;
  const before = readBase(store).seq;
  const times = timesOf({
    seqsOf: (key) => findSeqs(store, key, {}),
    read: (range) => readRecords(store, range),
  });
  const cutoffMs = cutoffOf(store, limits, times);
  while (isOpen()) {
    const batches = oldest(store, { cutoffMs, times, keepAfterSeq, maxBytes: limits.maxBytes });
    const last = batches.at(-1);
    if (!last) break;
    inTransaction(store, () => removeThrough(store, last, batches));
    await nextTurn();
  }
  const removed = readBase(store).seq - before;
  if (removed > 0) await shrink(store, isOpen);
  return removed;
}

/** Once for all of what is removed now: the oldest record is another one afterwards. */
function cutoffOf(
  store: Store,
  { nowMs, maxAgeMs = Infinity, ranForMs = Infinity }: PruneLimits,
  times: ToldTimes,
): number {
  for (const { firstSeq, firstAtMs } of rawBatches(store, readBase(store).seq + 1, Infinity)) {
    const oldestAtMs = times.timeAt(firstSeq, firstAtMs);
    return ageCutoffMs({ nowMs, maxAgeMs, oldestAtMs, ranForMs });
  }
  return -Infinity;
}

function oldest(
  store: Store,
  {
    cutoffMs,
    times,
    keepAfterSeq,
    maxBytes = Infinity,
  }: {
    readonly cutoffMs: number;
    readonly times: ToldTimes;
    readonly keepAfterSeq: number;
    readonly maxBytes: number | undefined;
  },
): Batch[] {
  let excess = sizes(store).usedBytes - maxBytes;
  let bytes = 0;
  const batches: Batch[] = [];
  for (const batch of rawBatches(store, readBase(store).seq + 1, keepAfterSeq)) {
    const isOld = times.timeAt(batch.lastSeq, batch.lastAtMs) < cutoffMs;
    if (batch.lastSeq > keepAfterSeq || (!isOld && excess <= 0)) break;
    excess -= batch.body.length;
    bytes += batch.body.length;
    if (batches.push(batch) >= STEP_BATCHES || bytes >= STEP_BYTES) break;
  }
  return batches;
}

function removeThrough(store: Store, last: Batch, batches: readonly Batch[]): void {
  const { db } = store;
  dropIndexed(
    store,
    batches.flatMap((batch) => readable(store, batch)),
    last.lastSeq,
  );
  db.prepare("DELETE FROM batch WHERE first_seq <= ?").run(last.firstSeq);
  db.prepare("DELETE FROM checkpoint WHERE seq < ?").run(last.lastSeq);
  writeMeta(store, "base_seq", last.lastSeq);
  writeMeta(store, "base_checksum", last.checksum.toString("hex"));
  if (Number(readMeta(store, "indexed_seq")) < last.lastSeq) {
    writeMeta(store, "indexed_seq", last.lastSeq);
  }
  sealMeta(store);
}

function readable(store: Store, batch: Batch): JournalRecord[] {
  try {
    return parseBatch(batch, store.path);
  } catch (error) {
    // A damaged batch may go too; what the index still has of it is beyond its base and never shown.
    if (error instanceof JournalError) return [];
    throw error;
  }
}

async function shrink(store: Store, isOpen: () => boolean): Promise<void> {
  const unused = () => Number(pragma(store.db, "freelist_count"));
  for (let left = unused(), before = Infinity; isOpen() && left > 0 && left < before;) {
    store.db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
    before = left;
    left = unused();
    await nextTurn();
  }
  if (isOpen()) pragma(store.db, "wal_checkpoint(TRUNCATE)");
}
