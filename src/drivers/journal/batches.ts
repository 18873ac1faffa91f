import type { JournalRecord } from "../../machines/model/record.ts";
import { batchChecksum, parseBatch, type Batch, type Link } from "./batch.ts";
import { PRUNED } from "./continuity.ts";
import { JournalError, type ReadRange } from "./port.ts";
import { DAMAGE_ADVICE, toJournalError } from "./sqlite-error.ts";
import { idAt, readBase } from "./meta.ts";
import { asBuffer, integer, rows } from "./rows.ts";
import { type Store } from "./store.ts";

const COLUMNS = `CAST(first_seq AS INTEGER), CAST(last_seq AS INTEGER), CAST(first_at_ms AS INTEGER),
  CAST(last_at_ms AS INTEGER), CAST(record_version AS INTEGER), CAST(checksum AS BLOB)`;

/** About what one query brings: few enough to stay small, many enough to be quick. */
const CHUNK_BYTES = 1024 * 1024;
const CHUNK_ROWS_MAX = 1_000;

/** Writes one group commit; durable when it returns. */
export function insertBatch(store: Store): (batch: Batch) => void {
  const statement = store.db.prepare(
    "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, CAST(? AS TEXT))",
  );
  return (batch) => {
    const { firstSeq, lastSeq, firstAtMs, lastAtMs, recordVersion, checksum, body } = batch;
    statement.run(firstSeq, lastSeq, firstAtMs, lastAtMs, recordVersion, checksum, body);
  };
}

/**
 * Batches as they lie in the file, from the one that begins at or after `fromFirstSeq`, unchecked. Each query ends its read
 * transaction, so that a long reading neither keeps the log from being reset nor a dispatcher from starting.
 */
export function* rawBatches(store: Store, fromFirstSeq: number, toSeq: number): Generator<Batch> {
  let next = fromFirstSeq;
  let limit = 8;
  while (next <= toSeq) {
    const found = query(store, next, toSeq, limit);
    if (found.length === 0) return;
    for (const batch of found) {
      // A broken tree can hand out rows in any order, for ever.
      if (batch.firstSeq < next) throw outOfOrder(store, next);
      yield batch;
      next = batch.firstSeq + 1;
    }
    const bytes = found.reduce((sum, batch) => sum + batch.body.length, 0);
    const perBatch = Math.max(1, bytes / found.length);
    limit = Math.min(CHUNK_ROWS_MAX, Math.max(1, Math.round(CHUNK_BYTES / perBatch)));
  }
}

/** Batches with the records from `fromSeq` to `toSeq`, each checked against the chain. Throws `JournalError`. */
export function* verifiedBatches(store: Store, range: ReadRange): Generator<Batch> {
  const toSeq = Math.min(range.toSeq ?? Infinity, readLastSeq(store));
  if ((range.fromSeq ?? 0) > toSeq) return;
  let link = linkBefore(store, range.fromSeq);
  for (const batch of rawBatches(store, link.seq + 1, toSeq)) {
    if (batch.firstSeq !== link.seq + 1) throw gap(store, link.seq + 1, batch.firstSeq - 1);
    if (!follows(store, link, batch)) throw badChecksum(store, batch);
    yield batch;
    link = { seq: batch.lastSeq, checksum: batch.checksum };
  }
  if (link.seq < toSeq) throw gap(store, link.seq + 1, toSeq);
}

export function* readRecords(store: Store, range: ReadRange): Generator<JournalRecord> {
  const { fromSeq = 0, toSeq = Infinity } = range;
  for (const batch of verifiedBatches(store, range)) {
    for (const record of parseBatch(batch, store.path)) {
      if (record.seq >= fromSeq && record.seq <= toSeq) yield record;
    }
  }
}

/** Whether the batch's checksum follows from the link and its content. */
export function follows(store: Store, link: Link, batch: Batch): boolean {
  return batchChecksum(idAt(store, batch.firstSeq), link.checksum, batch, batch.body).equals(
    batch.checksum,
  );
}

/** The end of the journal, with its last batch verified. */
export function readTail(store: Store): Link {
  const base = readBase(store);
  const last = rowBefore(store, Number.MAX_SAFE_INTEGER);
  if (!last) return base;
  for (const batch of verifiedBatches(store, { fromSeq: last.firstSeq })) {
    return { seq: batch.lastSeq, checksum: batch.checksum };
  }
  return base;
}

export function readLastSeq(store: Store): number {
  try {
    return rowBefore(store, Number.MAX_SAFE_INTEGER)?.lastSeq ?? readBase(store).seq;
  } catch (error) {
    throw toJournalError(error, store.path, "reading its end");
  }
}

/** Of the batch that ends with `seq`, in hex; "pruned" where that is not known any more. */
export function checksumAt(store: Store, seq: number): string | undefined {
  const base = readBase(store);
  if (seq < base.seq) return PRUNED;
  const found = seq === base.seq ? base : rowBefore(store, seq + 1);
  return found?.seq === seq ? found.checksum.toString("hex") : undefined;
}

export function gap(store: Store, fromSeq: number, toSeq: number): JournalError {
  const names = fromSeq >= toSeq ? `record ${fromSeq} is` : `records ${fromSeq} to ${toSeq} are`;
  return new JournalError("gap", `${store.path}: ${names} missing; ${DAMAGE_ADVICE}`, {
    seq: fromSeq,
  });
}

export function badChecksum(store: Store, batch: Batch): JournalError {
  return new JournalError(
    "badChecksum",
    `${store.path}: the batch of records ${batch.firstSeq} to ${batch.lastSeq} is not what was written (wrong ` +
      `checksum); ${DAMAGE_ADVICE}`,
    { seq: batch.firstSeq },
  );
}

function outOfOrder(store: Store, seq: number): JournalError {
  return new JournalError(
    "damaged",
    `${store.path}: the batches after seq ${seq - 1} are out of order; ${DAMAGE_ADVICE}`,
    { seq },
  );
}

/** What the batch with `fromSeq` has to follow. */
function linkBefore(store: Store, fromSeq: number | undefined): Link {
  try {
    const base = readBase(store);
    if (fromSeq === undefined) return base;
    if (fromSeq >= 1 && fromSeq <= base.seq) {
      throw new JournalError(
        "gap",
        `${store.path}: records up to ${base.seq} were pruned; read from ${base.seq + 1} on`,
        { seq: fromSeq },
      );
    }
    const holder = rowBefore(store, fromSeq + 1);
    return (holder && rowBefore(store, holder.firstSeq)) ?? base;
  } catch (error) {
    throw toJournalError(error, store.path, "finding where to read from");
  }
}

/** The last batch that begins before `seq`, as a link and without reading its body. */
function rowBefore(store: Store, seq: number) {
  const [found] = rows(
    store,
    `SELECT CAST(first_seq AS INTEGER), CAST(last_seq AS INTEGER), CAST(checksum AS BLOB) FROM batch
     WHERE first_seq < ? ORDER BY first_seq DESC LIMIT 1`,
    seq,
  );
  if (!found) return undefined;
  return {
    firstSeq: Number(found[0]),
    seq: Number(found[1]),
    lastSeq: Number(found[1]),
    checksum: asBuffer(found[2]),
  };
}

function query(store: Store, fromFirstSeq: number, toSeq: number, limit: number): Batch[] {
  try {
    return rows(
      store,
      `SELECT ${COLUMNS}, CAST(body AS BLOB) FROM batch WHERE first_seq >= ? AND first_seq <= ?
       ORDER BY first_seq LIMIT ?`,
      fromFirstSeq,
      Math.min(toSeq, Number.MAX_SAFE_INTEGER),
      limit,
    ).map(toBatch);
  } catch (error) {
    const { code, message, cause } = toJournalError(
      error,
      store.path,
      `reading on from seq ${fromFirstSeq}`,
    );
    throw new JournalError(code, message, { cause, seq: fromFirstSeq });
  }
}

function toBatch(row: unknown[]): Batch {
  const [firstSeq, lastSeq, firstAtMs, lastAtMs, recordVersion] = row.slice(0, 5).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const [checksum, body] = row.slice(5).map(asBuffer) as [Buffer, Buffer];
  return { firstSeq, lastSeq, firstAtMs, lastAtMs, recordVersion, checksum, body };
}

/** Number of batches, read off the tree without their bodies. */
export function countBatches(store: Store): number {
  return integer(store, "SELECT count(*) FROM batch");
}
