import { actorsOf } from "../../machines/model/record-actors.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import { ageCutoffMs } from "./age-limit.ts";
import {
  batchChecksum,
  GENESIS,
  parseBatch,
  requireWithin,
  sealBatch,
  type Batch,
} from "./batch.ts";
import { findBreak, openBreaks, PRUNED, withBreak, type Testimony } from "./continuity.ts";
import { timesOf } from "./journal-times.ts";
import { idAt, versionOf } from "./meta.ts";
import {
  JournalError,
  type Checkpoint,
  type Journal,
  type JournalBreak,
  type JournalStats,
  type PruneLimits,
  type ReadRange,
} from "./port.ts";
import { WitnessKeeper } from "./witness-keeper.ts";

/** What outlives a journal that is opened on it, as a file does. */
export interface MemoryStore {
  id: string;
  breaks: readonly JournalBreak[];
  /** As it stands beside a file: it outlives the journal. */
  testimony: Testimony;
  batches: Batch[];
  checkpoints: Checkpoint[];
  baseSeq: number;
  baseChecksum: Buffer;
  ballast: boolean;
  openForWriting: boolean;
}

export interface MemoryJournal extends Journal {
  /** The next `times` appends that are not empty throw the error and keep nothing. */
  failNextAppend(error: JournalError, times?: number): void;
}

export function makeMemoryStore(id: string): MemoryStore {
  return {
    id,
    breaks: [],
    testimony: "none",
    batches: [],
    checkpoints: [],
    baseSeq: 0,
    baseChecksum: GENESIS,
    ballast: true,
    openForWriting: false,
  };
}

export interface MemoryJournalOptions {
  readonly checkpointsKept?: number;
  /** Of another id, where it goes on under a new one. */
  readonly makeId?: () => string;
  /** With it the witness is written behind, as a file's is; returns what cancels. Without it, at once. */
  readonly setTimer?: (delayMs: number, callback: () => void) => () => void;
  readonly nowMs?: () => number;
}

/** The journal without a disk, for simulations and tests: one writer at a time, and it keeps what `append` resolved. */
export function openMemoryJournal(
  store: MemoryStore,
  options: MemoryJournalOptions = {},
): MemoryJournal {
  if (store.openForWriting) {
    throw new JournalError(
      "locked",
      `journal ${store.id} is being written already: close that one`,
    );
  }
  requireWholeTail(store);
  goOn(store, options);
  store.openForWriting = true;
  const witness = keepWitness(store, options);
  let failures: { error: JournalError; times: number } = {
    error: new JournalError("io", "none"),
    times: 0,
  };
  const lastSeq = () => store.batches.at(-1)?.lastSeq ?? store.baseSeq;
  return {
    id: store.id,
    get breaks() {
      return store.breaks;
    },
    get lastSeq() {
      return lastSeq();
    },
    failNextAppend(error, times = 1) {
      failures = { error, times };
    },
    async append(records) {
      if (records.length === 0) return;
      const checksum = store.batches.at(-1)?.checksum ?? store.baseChecksum;
      const batch = sealBatch(store.id, { seq: lastSeq(), checksum }, records);
      if (failures.times > 0) {
        failures.times -= 1;
        throw failures.error;
      }
      store.batches.push(batch);
      witness.note({
        journalId: store.id,
        lastSeq: batch.lastSeq,
        checksum: batch.checksum.toString("hex"),
      });
    },
    read: (range = {}) => readRange(store, range, lastSeq()),
    async saveCheckpoint({ seq, code, state }) {
      requireWithin({ seq, code, state }, store.baseSeq, lastSeq());
      const others = store.checkpoints.filter((other) => other.seq !== seq);
      const all = [...others, { seq, code, state }].sort((one, other) => one.seq - other.seq);
      store.checkpoints = all.slice(-(options.checkpointsKept ?? 5));
    },
    checkpoint: ({ atOrBeforeSeq = Infinity, code } = {}) =>
      store.checkpoints.findLast(
        (one) => one.seq <= atOrBeforeSeq && (code === undefined || one.code === code),
      ),
    checkpointSeqs: () => store.checkpoints.map(({ seq }) => seq),
    seqsOf: (actorKey, wanted = {}) => seqsOf(store, actorKey, wanted),
    // There is none to rebuild: `seqsOf` looks the records through.
    rebuildIndex: async () => undefined,
    stats: () => statsOf(store, lastSeq()),
    async accept(by) {
      const accepted = openBreaks(store.breaks);
      store.breaks = store.breaks.map((one) => ({ ...one, accepted: one.accepted ?? by }));
      return accepted;
    },
    // Nothing flips a bit here.
    checkChain: async () => [],
    prune: async (limits) => prune(store, limits),
    releaseBallast() {
      const had = store.ballast;
      store.ballast = false;
      return had;
    },
    restoreBallast: () => (store.ballast = true),
    async close() {
      // Not what waits to be written behind: nobody knows whether this is an orderly end.
      void witness.stop();
      store.openForWriting = false;
    },
  };
}

/** As the file's. */
function goOn(store: MemoryStore, { makeId, nowMs }: MemoryJournalOptions): void {
  const { id, breaks, testimony, baseSeq, batches } = store;
  const lastSeq = batches.at(-1)?.lastSeq ?? baseSeq;
  const checksumAt = (seq: number) => {
    if (seq <= baseSeq) return PRUNED;
    return batches.find((batch) => batch.lastSeq === seq)?.checksum.toString("hex");
  };
  const added = findBreak(testimony, { id, breaks, lastSeq, checksumAt }, nowMs?.() ?? 0);
  if (!added) return;
  store.breaks = withBreak(breaks, added);
  store.id = makeId?.() ?? `${id}+`;
}

function keepWitness(
  store: MemoryStore,
  { setTimer }: MemoryJournalOptions,
): Pick<WitnessKeeper, "note" | "stop"> {
  const keep = (witness: Testimony) => {
    store.testimony = witness;
  };
  if (!setTimer) return { note: keep, stop: () => undefined };
  return new WitnessKeeper({ write: async (witness) => keep(witness), setTimer, onError() {} });
}

/** As the file's: what the last commit left is looked at before anything follows it. */
function requireWholeTail({ id, breaks, batches, baseChecksum }: MemoryStore): void {
  const last = batches.at(-1);
  if (!last) return;
  const previous = batches.at(-2)?.checksum ?? baseChecksum;
  const { checksum, body, ...header } = last;
  const sealedBy = idAt({ id, breaks }, last.firstSeq);
  if (batchChecksum(sealedBy, previous, header, body).equals(checksum)) return;
  throw new JournalError(
    "damaged",
    `journal ${id}: the batch from seq ${last.firstSeq} on is damaged`,
    { seq: last.firstSeq },
  );
}

function* readRange(
  store: MemoryStore,
  { fromSeq, toSeq = Infinity }: ReadRange,
  lastSeq: number,
): Generator<JournalRecord> {
  if (fromSeq !== undefined && fromSeq >= 1 && fromSeq <= store.baseSeq) {
    throw new JournalError(
      "gap",
      `records up to ${store.baseSeq} were pruned; read from ${store.baseSeq + 1} on`,
      { seq: fromSeq },
    );
  }
  const end = Math.min(toSeq, lastSeq);
  for (const batch of [...store.batches]) {
    if (batch.lastSeq < (fromSeq ?? 0)) continue;
    if (batch.firstSeq > end) return;
    for (const record of parseBatch(batch, `journal ${store.id}`)) {
      if (record.seq >= (fromSeq ?? 0) && record.seq <= end) yield record;
    }
  }
}

function seqsOf(
  store: MemoryStore,
  actorKey: string,
  { limit = Infinity, beforeSeq = Infinity }: { limit?: number; beforeSeq?: number },
): number[] {
  const seqs: number[] = [];
  for (const batch of store.batches) {
    for (const record of parseBatch(batch, `journal ${store.id}`)) {
      if (record.seq >= beforeSeq) break;
      if (actorsOf(record).some((key) => key === actorKey)) seqs.push(record.seq);
    }
  }
  return seqs.slice(Math.max(0, seqs.length - limit));
}

function statsOf(store: MemoryStore, lastSeq: number): JournalStats {
  const { batches, baseSeq } = store;
  return {
    id: store.id,
    formatVersion: versionOf(store.breaks),
    records: lastSeq - baseSeq,
    batches: batches.length,
    firstSeq: lastSeq > baseSeq ? baseSeq + 1 : 0,
    lastSeq,
    firstAtMs: batches[0]?.firstAtMs ?? null,
    lastAtMs: batches.at(-1)?.lastAtMs ?? null,
    bytes: bytesOf(store),
    checkpoints: store.checkpoints.length,
    indexedSeq: lastSeq,
  };
}

function prune(store: MemoryStore, limits: PruneLimits): number {
  const before = store.baseSeq;
  const keepAfterSeq = store.checkpoints.at(-1)?.seq ?? 0;
  const times = timesOf({
    seqsOf: (key) => seqsOf(store, key, {}),
    read: (range) => readRange(store, range, store.batches.at(-1)?.lastSeq ?? before),
  });
  const first = store.batches[0];
  const { nowMs, maxAgeMs = Infinity, ranForMs = Infinity } = limits;
  const oldestAtMs = first ? times.timeAt(first.firstSeq, first.firstAtMs) : nowMs;
  const cutoffMs = ageCutoffMs({ nowMs, maxAgeMs, oldestAtMs, ranForMs });
  for (;;) {
    const [oldest] = store.batches;
    if (!oldest || oldest.lastSeq > keepAfterSeq) break;
    const tooMuch = bytesOf(store) > (limits.maxBytes ?? Infinity);
    const isOld = times.timeAt(oldest.lastSeq, oldest.lastAtMs) < cutoffMs;
    if (!isOld && !tooMuch) break;
    store.batches.shift();
    store.baseSeq = oldest.lastSeq;
    store.baseChecksum = oldest.checksum;
    store.checkpoints = store.checkpoints.filter(({ seq }) => seq >= oldest.lastSeq);
  }
  return store.baseSeq - before;
}

function bytesOf(store: MemoryStore): number {
  const records = store.batches.reduce((sum, { body }) => sum + body.length, 0);
  return store.checkpoints.reduce((sum, { state }) => sum + state.length, records);
}
