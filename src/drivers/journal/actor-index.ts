import { actorsOf } from "../../machines/model/record-actors.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import { readRecords } from "./batches.ts";
import type { JournalErrorCode } from "./port.ts";
import { toJournalError } from "./sqlite-error.ts";
import { readBase, readMeta, writeMeta } from "./meta.ts";
import { inTransaction, integer, rows } from "./rows.ts";
import { type Store } from "./store.ts";

/** Records per transaction: about 10 ms of the event loop. */
const CHUNK_RECORDS = 500;
/** Beyond this many waiting records the index catches up from the file instead. */
const WAITING_MAX = 20_000;
/** What `close` still indexes; the rest is done after the next start. */
const CLOSING_CHUNKS_MAX = 20;

/** What passes: the next record tries again. */
const PASSING: readonly JournalErrorCode[] = ["diskFull", "io", "locked"];

/**
 * The actor index, written behind the journal: which records concern which actor. What it lacks is found by reading, so
 * it may be late, lost or switched off by an error without anything being wrong.
 */
export interface ActorIndex {
  /** Takes note of records that are durable; they are indexed when the event loop is free. */
  add(records: readonly JournalRecord[]): void;
  rebuild(): Promise<void>;
  /** Indexes what is waiting, within reason. */
  finish(): void;
}

export function makeActorIndex(
  store: Store,
  options: { lastSeq: () => number; onError: (error: Error) => void },
): ActorIndex {
  const { lastSeq, onError } = options;
  let indexed = readIndexedSeq(store);
  let waiting: JournalRecord[] = [];
  let scheduled = false;
  let closed = false;
  /** Damage in the records ends the indexing until the next start: once is enough to be told. */
  let hurt = false;

  function nextRecords(): readonly JournalRecord[] {
    // Pruning moves it too.
    indexed = readIndexedSeq(store);
    if (waiting[0]?.seq === indexed + 1) return waiting.splice(0, CHUNK_RECORDS);
    waiting = [];
    return take(readRecords(store, { fromSeq: indexed + 1 }), CHUNK_RECORDS);
  }

  /** False when nothing is left. */
  function writeChunk(): boolean {
    if (indexed >= lastSeq()) return false;
    const records = nextRecords();
    const last = records.at(-1);
    if (!last) return false;
    write(store, records, last.seq);
    indexed = last.seq;
    return true;
  }

  /** False when nothing is left or an error ended it; the next record tries again. */
  function tryChunk(): boolean {
    try {
      return !hurt && writeChunk();
    } catch (cause) {
      const error = toJournalError(cause, store.path, "writing the actor index");
      waiting = [];
      hurt = !PASSING.includes(error.code);
      onError(error);
      return false;
    }
  }

  function schedule(): void {
    if (scheduled || closed || hurt || indexed >= lastSeq()) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (!closed && tryChunk()) schedule();
    });
  }

  schedule();
  return {
    add(records) {
      if (waiting.length + records.length <= WAITING_MAX) waiting.push(...records);
      else waiting = [];
      schedule();
    },
    async rebuild() {
      clear(store);
      indexed = readIndexedSeq(store);
      waiting = [];
      hurt = false;
      while (!closed && writeChunk()) await new Promise(setImmediate);
    },
    finish() {
      for (let chunk = 0; chunk < CLOSING_CHUNKS_MAX && tryChunk(); chunk++);
      closed = true;
    },
  };
}

/** Newest seq that the index covers. */
export function readIndexedSeq(store: Store): number {
  const indexed = Number(readMeta(store, "indexed_seq"));
  const base = readBase(store).seq;
  return Number.isSafeInteger(indexed) ? Math.max(indexed, base) : base;
}

/** Ascending: the newest `limit` before `beforeSeq`; what is newer than the index is found by reading. */
export function findSeqs(
  store: Store,
  actorKey: string,
  options: { limit?: number; beforeSeq?: number },
): number[] {
  const { limit = Number.MAX_SAFE_INTEGER, beforeSeq = Number.MAX_SAFE_INTEGER } = options;
  const indexedSeq = readIndexedSeq(store);
  const tail: number[] = [];
  for (const record of readRecords(store, { fromSeq: indexedSeq + 1, toSeq: beforeSeq - 1 })) {
    if (actorsOf(record).some((key) => key === actorKey)) tail.push(record.seq);
  }
  if (tail.length >= limit) return limit > 0 ? tail.slice(-limit) : [];
  const indexed = rows(
    store,
    `SELECT CAST(seq AS INTEGER) FROM actor_record WHERE actor = ? AND seq > ? AND seq <= ? AND seq < ?
     ORDER BY seq DESC LIMIT ?`,
    actorKey,
    readBase(store).seq,
    indexedSeq,
    beforeSeq,
    limit - tail.length,
  );
  return [...indexed.map(([seq]) => Number(seq)).reverse(), ...tail];
}

/** How many of the entries that these records need the index has. */
export function countIndexed(store: Store, records: readonly JournalRecord[]): number {
  return integer(
    store,
    `SELECT count(*) FROM json_each(?) AS pair
     JOIN actor_record ON actor = pair.value ->> 0 AND seq = pair.value ->> 1`,
    JSON.stringify(pairsOf(records)),
  );
}

/** What the index must have of these records: [actor, seq], in the order of the tree. */
export function pairsOf(records: readonly JournalRecord[]): [string, number][] {
  return records
    .flatMap((record) => actorsOf(record).map((actor): [string, number] => [actor, record.seq]))
    .sort(([one, seq], [other, otherSeq]) => (one < other ? -1 : one > other ? 1 : seq - otherSeq));
}

/** Drops the entries of records that are being pruned. */
export function dropIndexed(store: Store, records: readonly JournalRecord[], toSeq: number): void {
  const actors = [...new Set(records.flatMap((record) => actorsOf(record)))];
  const statement = store.db.prepare("DELETE FROM actor_record WHERE actor = ? AND seq <= ?");
  for (const actor of actors) statement.run(actor, toSeq);
}

function write(store: Store, records: readonly JournalRecord[], toSeq: number): void {
  const { db } = store;
  // No fsync for what can be made again; the next commit of records brings it to the disk with its own.
  db.exec("PRAGMA synchronous=NORMAL");
  try {
    inTransaction(store, () => {
      db.prepare(
        "INSERT OR IGNORE INTO actor_record SELECT value ->> 0, value ->> 1 FROM json_each(?)",
      ).run(JSON.stringify(pairsOf(records)));
      writeMeta(store, "indexed_seq", toSeq);
    });
  } finally {
    db.exec("PRAGMA synchronous=FULL");
  }
}

function clear(store: Store): void {
  inTransaction(store, () => {
    store.db.exec("DELETE FROM actor_record");
    writeMeta(store, "indexed_seq", 0);
  });
}

function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.push(item) >= count) break;
  }
  return taken;
}
