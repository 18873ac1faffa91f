import { setImmediate as nextTurn } from "node:timers/promises";
import type { JournalRecord } from "../../machines/model/record.ts";
import { dropIndexed } from "./actor-index.ts";
import { parseBatch, type Batch } from "./batch.ts";
import { rawBatches } from "./batches.ts";
import { findCheckpoint } from "./checkpoints.ts";
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
  while (isOpen()) {
    const batches = oldest(store, limits, keepAfterSeq);
    const last = batches.at(-1);
    if (!last) break;
    inTransaction(store, () => removeThrough(store, last, batches));
    await nextTurn();
  }
  const removed = readBase(store).seq - before;
  if (removed > 0) await shrink(store, isOpen);
  return removed;
}

function oldest(store: Store, limits: PruneLimits, keepAfterSeq: number): Batch[] {
  const cutoffMs = limits.nowMs - (limits.maxAgeMs ?? Infinity);
  let excess = sizes(store).usedBytes - (limits.maxBytes ?? Infinity);
  let bytes = 0;
  const batches: Batch[] = [];
  for (const batch of rawBatches(store, readBase(store).seq + 1, keepAfterSeq)) {
    if (batch.lastSeq > keepAfterSeq || (batch.lastAtMs >= cutoffMs && excess <= 0)) break;
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
