import { lockHolder, tryLock, type FileLock } from "../lease/file-lock.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import { findSeqs, makeActorIndex, readIndexedSeq } from "./actor-index.ts";
import { makeBallast, type Ballast } from "./ballast.ts";
import { requireWithin, sealBatch, type Link } from "./batch.ts";
import { countBatches, insertBatch, readLastSeq, readRecords, readTail } from "./batches.ts";
import { checkChainSlowly } from "./chain.ts";
import { findCheckpoint, readCheckpointSeqs, writeCheckpoint } from "./checkpoints.ts";
import { openBreaks } from "./continuity.ts";
import { readBase, writeIdentity } from "./meta.ts";
import { goOn, recordBreak, type Opened } from "./opened.ts";
import { JournalError, type Journal, type JournalStats } from "./port.ts";
import { pruneStore } from "./prune.ts";
import { integer, inTransaction, rows } from "./rows.ts";
import { toJournalError } from "./sqlite-error.ts";
import {
  closeStore,
  openForReading,
  openForWriting,
  realPath,
  sizes,
  type Store,
} from "./store.ts";
import { readWitness, witnessPath } from "./witness.ts";
import { keepWitnessFile } from "./witness-keeper.ts";

export interface JournalOptions {
  /** Its folder must exist; for writing the file is made if it does not. */
  readonly path: string;
  readonly mode: "write" | "read";
  readonly nowMs: () => number;
  /** Size of the file beside it that is given up on a full disk; 0: none. */
  readonly ballastBytes?: number;
  /** The file never grows beyond it: appends fail with `diskFull` instead. Default: no limit. */
  readonly maxFileBytes?: number;
  readonly checkpointsKept?: number;
  /** The witness beside it could not be written: undefined says that it can again. */
  readonly onWitnessError?: (error: Error | undefined) => void;
  /** The actor index could not be written; it is tried again, and nothing depends on it. */
  readonly onIndexError?: (error: Error) => void;
}

const BALLAST_BYTES = 4 * 1024 * 1024;
const CHECKPOINTS_KEPT = 5;

/** The journal in an SQLite file; docs/journal-format.md tells its layout. Throws `JournalError`. */
export function openJournal(options: JournalOptions): Journal {
  const path = realPath(options.path);
  if (options.mode === "read") return makeReader(openForReading(path));
  const lock = lockFor(path);
  const ballast = makeBallast(`${path}.ballast`, options.ballastBytes ?? BALLAST_BYTES);
  let store: Store | undefined;
  try {
    const testimony = readWitness(witnessPath(path));
    store = openStore(path, ballast, options);
    const tail = readTail(store);
    const opened = goOn(store, { tail, testimony, nowMs: options.nowMs() });
    const writer = makeWriter(opened, { tail, options, ballast, lock });
    ballast.restore();
    return writer;
  } catch (error) {
    store?.db.close();
    lock.release();
    throw error instanceof JournalError ? error : toJournalError(error, path, "opening it");
  }
}

function lockFor(path: string): FileLock {
  const lockPath = `${path}.lock`;
  let lock: FileLock | undefined;
  try {
    lock = tryLock(lockPath);
  } catch (cause) {
    throw new JournalError("io", cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (lock) return lock;
  throw new JournalError(
    "locked",
    `${path} is being written by another dispatcher (${lockHolder(lockPath)}): stop that one, or give this one another ` +
      "DataDir; reading is possible meanwhile",
  );
}

/** A start on a full disk needs some room itself. */
function openStore(path: string, ballast: Ballast, options: JournalOptions): Store {
  const { maxFileBytes } = options;
  try {
    return openForWriting(path, { nowMs: options.nowMs(), maxFileBytes });
  } catch (error) {
    const full = error instanceof JournalError && error.code === "diskFull";
    if (!full || !ballast.release()) throw error;
    return openForWriting(path, { nowMs: options.nowMs(), maxFileBytes });
  }
}

interface WriterContext {
  readonly tail: Link;
  readonly options: JournalOptions;
  readonly ballast: Ballast;
  readonly lock: FileLock;
}

function makeWriter(opened: Opened, context: WriterContext): Journal {
  const { options, ballast, lock } = context;
  let { tail } = context;
  let { store, isRecorded } = opened;
  const insert = insertBatch(store);
  const index = makeActorIndex(store, {
    lastSeq: () => tail.seq,
    onError: options.onIndexError ?? (() => undefined),
  });
  const witness = keepWitnessFile(store.path, options.onWitnessError);
  const testify = () => {
    // Before the file says under which id it goes on, what was seen is all that tells that something is missing.
    if (!isRecorded) return;
    const checksum = tail.checksum.toString("hex");
    witness.note({ journalId: store.id, lastSeq: tail.seq, checksum });
  };
  let open = true;
  /** A closed connection still writes, but no longer under the lock. */
  const requireOpen = () => {
    if (!open) throw new JournalError("io", `${store.path} was closed: a bug of the caller`);
  };
  /** Nothing may be sealed with an id that the file does not say. */
  const record = () => {
    if (isRecorded) return;
    recordBreak(store);
    isRecorded = true;
  };
  testify();
  return {
    ...readingSide(store, () => tail.seq),
    id: store.id,
    get breaks() {
      return store.breaks;
    },
    get lastSeq() {
      return tail.seq;
    },
    async append(records: readonly JournalRecord[]) {
      requireOpen();
      if (records.length === 0) return;
      const batch = sealBatch(store.id, tail, records);
      guarded(store, `appending from seq ${batch.firstSeq} on`, () => {
        record();
        insert(batch);
      });
      tail = { seq: batch.lastSeq, checksum: batch.checksum };
      testify();
      index.add(records);
    },
    async saveCheckpoint(checkpoint) {
      requireOpen();
      const keep = options.checkpointsKept ?? CHECKPOINTS_KEPT;
      guarded(store, `saving the checkpoint at seq ${checkpoint.seq}`, () => {
        requireWithin(checkpoint, readBase(store).seq, tail.seq);
        record();
        writeCheckpoint(store, checkpoint, { nowMs: options.nowMs(), keep });
      });
    },
    seqsOf: (actorKey, wanted = {}) =>
      guarded(store, "reading the actor index", () => findSeqs(store, actorKey, wanted)),
    async rebuildIndex() {
      requireOpen();
      await guardedAsync(store, "rebuilding the index", () => index.rebuild());
    },
    async accept(by) {
      requireOpen();
      const accepted = openBreaks(store.breaks);
      if (accepted.length === 0) return [];
      const breaks = store.breaks.map((one) => ({ ...one, accepted: one.accepted ?? by }));
      guarded(store, "recording what was accepted", () => {
        record();
        inTransaction(store, () => writeIdentity(store, { ...store, breaks }));
      });
      store = { ...store, breaks };
      testify();
      return accepted;
    },
    checkChain: (pause) => checkChainSlowly(store, async () => open && (await pause()) && open),
    async prune(limits) {
      requireOpen();
      return guardedAsync(store, "pruning", () => pruneStore(store, limits, () => open));
    },
    releaseBallast: () => ballast.release(),
    restoreBallast: () => ballast.restore(),
    async close() {
      if (!open) return;
      open = false;
      index.finish();
      const writing = witness.finish();
      if (writing) await writing;
      closeStore(store);
      lock.release();
    },
  };
}

function makeReader(store: Store): Journal {
  const refuse = (what: string) =>
    Promise.reject(
      new JournalError(
        "readOnly",
        `${store.path} was opened for reading, so ${what} is not possible; open it for writing`,
      ),
    );
  return {
    ...readingSide(store, () => readLastSeq(store)),
    id: store.id,
    breaks: store.breaks,
    get lastSeq() {
      return readLastSeq(store);
    },
    append: () => refuse("appending"),
    saveCheckpoint: () => refuse("saving a checkpoint"),
    seqsOf: (actorKey, wanted = {}) =>
      guarded(store, "reading the actor index", () => findSeqs(store, actorKey, wanted)),
    rebuildIndex: () => refuse("rebuilding the index"),
    accept: () => refuse("accepting"),
    checkChain: (pause) => checkChainSlowly(store, pause),
    prune: () => refuse("pruning"),
    releaseBallast: () => false,
    restoreBallast: () => false,
    close: async () => closeStore(store),
  };
}

type ReadingSide = Pick<Journal, "read" | "checkpoint" | "checkpointSeqs" | "stats">;

function readingSide(store: Store, lastSeq: () => number): ReadingSide {
  return {
    read: (range = {}) => readRecords(store, range),
    checkpoint: (wanted = {}) => {
      // One beyond the end is of records that are missing.
      const atOrBeforeSeq = Math.min(wanted.atOrBeforeSeq ?? Infinity, lastSeq());
      return guarded(store, "reading a checkpoint", () =>
        findCheckpoint(store, { ...wanted, atOrBeforeSeq }),
      );
    },
    checkpointSeqs: () =>
      guarded(store, "reading the checkpoints", () => readCheckpointSeqs(store)),
    stats: () => guarded(store, "reading its statistics", () => readStats(store, lastSeq())),
  };
}

function readStats(store: Store, lastSeq: number): JournalStats {
  const base = readBase(store).seq;
  const [first] = rows(
    store,
    "SELECT CAST(first_at_ms AS INTEGER) FROM batch ORDER BY first_seq LIMIT 1",
  );
  const [last] = rows(
    store,
    "SELECT CAST(last_at_ms AS INTEGER) FROM batch ORDER BY first_seq DESC LIMIT 1",
  );
  return {
    id: store.id,
    formatVersion: store.formatVersion,
    records: lastSeq - base,
    batches: countBatches(store),
    firstSeq: lastSeq > base ? base + 1 : 0,
    lastSeq,
    firstAtMs: first ? Number(first[0]) : null,
    lastAtMs: last ? Number(last[0]) : null,
    bytes: sizes(store).fileBytes,
    checkpoints: integer(store, "SELECT count(*) FROM checkpoint"),
    indexedSeq: readIndexedSeq(store),
  };
}

function guarded<T>(store: Store, doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toJournalError(error, store.path, doing);
  }
}

async function guardedAsync<T>(store: Store, doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toJournalError(error, store.path, doing);
  }
}
