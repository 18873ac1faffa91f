import { journalIds, type Journal } from "../drivers/journal/port.ts";
import { CODE_VERSION, Core } from "../machines/core/core.ts";
import { foldRecord } from "../machines/core/replay.ts";
import { ContainerExplanationBuilder } from "../machines/explain/container-explanation.ts";
import type { Coverage, Explanation } from "../machines/explain/explanation.ts";
import { toldChanges, toldCore, toldRecord } from "../machines/explain/told.ts";
import { bornSeq, WorkerExplanationBuilder } from "../machines/explain/worker-explanation.ts";
import { actorKey } from "../machines/model/ids.ts";
import type { JournalRecord } from "../machines/model/record.ts";
import { workerOfInstance } from "./explain-search.ts";
import { toldTimesOf } from "../machines/model/told-times.ts";
import type { ReadModel } from "./read-model.ts";

export interface ExplainOptions {
  readonly journal: Journal;
  /** Those that live now; without it the journal is read to its end. */
  readonly live?: Pick<ReadModel, "get" | "workerOf"> | undefined;
  /** The time that the explanation is for; without it that of the last record. */
  readonly nowMs?: number | undefined;
  /** More are not read at once. */
  readonly recordsMax: number;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** The journal cannot tell: the message says why, and the way out. */
export class ExplainError extends Error {
  override readonly name = "ExplainError";
}

/** Records and changes between two pauses: some milliseconds of the event loop. */
const SLICE_STEPS = 200;
const CONTAINER_ID = /^[a-z0-9]{5}-dz642-[a-z0-9]{15}$/;

/**
 * Explains a container, or an instance by the cloud's name or the worker's, from the durable records of a journal. Undefined
 * when the journal has never heard of it. Throws `ExplainError`, `JournalError`, and what the signal aborts with.
 */
export async function explain(
  id: string,
  options: ExplainOptions,
): Promise<Explanation | undefined> {
  const { journal, live } = options;
  if (CONTAINER_ID.test(id) || journal.seqsOf(actorKey("container", id), { limit: 1 }).length > 0)
    return explainContainer(id, options);
  const named = live?.workerOf(id)?.context.workerId;
  const isWorker = journal.seqsOf(actorKey("worker", id), { limit: 1 }).length > 0;
  const workerId = named ?? (isWorker ? id : ((await workerOfInstance(id, options)) ?? id));
  const found = await explainWorker(workerId, options);
  // An instance that a list showed before anybody knew whose it was is indexed under its own name.
  const isOther = found && found.workerId !== workerId;
  return isOther ? explainWorker(found.workerId, options) : found;
}

async function explainContainer(id: string, options: ExplainOptions) {
  const { journal, live } = options;
  const seqs = journal.seqsOf(actorKey("container", id));
  const isLive = live?.get("container", id) !== undefined;
  if (seqs.length === 0 && live && !isLive) return undefined;
  const builder = new ContainerExplanationBuilder(id);
  const read = await foldFor(options, {
    id,
    firstSeq: seqs[0],
    lastSeq: isLive ? journal.lastSeq : seqs.at(-1),
    builder,
    isKnown: ({ registry }) => registry.get("container", id) !== undefined,
  });
  return builder.finish(read.core, read.coverage);
}

async function explainWorker(id: string, options: ExplainOptions) {
  const { journal, live } = options;
  const seqs = journal.seqsOf(actorKey("worker", id));
  const isLive = live !== undefined && (live.get("worker", id) ?? live.workerOf(id)) !== undefined;
  if (seqs.length === 0 && live && !isLive) return undefined;
  const builder = new WorkerExplanationBuilder(id);
  const read = await foldFor(options, {
    id,
    firstSeq: bornSeq(id, journalIds(journal)) ?? seqs[0],
    lastSeq: isLive ? journal.lastSeq : seqs.at(-1),
    builder,
    isKnown: ({ registry }) =>
      (registry.get("worker", id) ?? registry.workerOfInstance(id)) !== undefined,
  });
  return builder.finish(read.coverage);
}

interface Subject {
  readonly id: string;
  /** Of the records that name it; undefined where none does. */
  readonly firstSeq: number | undefined;
  /** How far has to be read at least. */
  readonly lastSeq: number | undefined;
  readonly builder: Pick<ContainerExplanationBuilder, "begin" | "see">;
  readonly isKnown: (core: Core) => boolean;
}

/** Folds from the newest checkpoint before its beginning until nobody knows it any more, or to the end. */
async function foldFor(
  options: ExplainOptions,
  subject: Subject,
): Promise<{ core: Core; coverage: Coverage }> {
  const { journal, recordsMax, pause, signal, nowMs } = options;
  const { builder, isKnown, firstSeq } = subject;
  const { core, isCut } = startFor(journal, subject, recordsMax);
  const times = toldTimesOf(journal);
  const startSeq = core.seq;
  const startAtMs = times.timeAt(core.seq, core.atMs);
  const wasKnown = isKnown(core);
  builder.begin(toldCore(core, times));
  const lastSeq = subject.lastSeq ?? 0;
  let recordsCount = 0;
  let sliceSteps = 0;
  let isTruncated = false;
  for (const record of journal.read({ fromSeq: startSeq + 1 })) {
    if (recordsCount >= recordsMax) {
      isTruncated = true;
      break;
    }
    const { changes } = takeIn(core, withoutOthersWaits(record, subject.id));
    builder.see(toldRecord(record, times), toldChanges(record.seq, changes, times), core);
    recordsCount++;
    sliceSteps += 1 + changes.length;
    if (record.seq >= lastSeq && firstSeq !== undefined && !isKnown(core)) break;
    if (sliceSteps >= SLICE_STEPS) {
      sliceSteps = 0;
      await pause();
      signal?.throwIfAborted();
    }
  }
  const told = toldCore(core, times);
  const missing = [
    wasKnown || isCut ? missingBefore({ startSeq, startAtMs, isCut, recordsMax }) : "",
    isTruncated ? missingAfter(told, recordsMax) : "",
  ];
  const endAtMs = nowMs ?? journal.stats().lastAtMs ?? told.atMs;
  const asOfMs = isTruncated ? told.atMs : Math.max(endAtMs, told.atMs);
  const coverage: Coverage = {
    journalId: journal.id,
    fromSeq: startSeq + 1,
    toSeq: core.seq,
    asOfMs,
    missing: missing.filter((text) => text !== "").join("; "),
  };
  return { core: told, coverage };
}

/** Why others wait changes nothing but what is remembered of them, and is most of what a long queue's planner decides. */
function withoutOthersWaits(record: JournalRecord, id: string): JournalRecord {
  const { decisions } = record;
  const kept = decisions.filter((each) => each.do !== "wait" || each.container === id);
  return kept.length === decisions.length ? record : { ...record, decisions: kept };
}

function takeIn(core: Core, record: JournalRecord) {
  try {
    return foldRecord(core, record);
  } catch (error) {
    throw new ExplainError(
      `record ${record.seq} cannot be folded by this version (${CODE_VERSION}) of the deciding code: explain it with ` +
        "the release that wrote it",
      { cause: error },
    );
  }
}

function missingBefore(start: {
  startSeq: number;
  startAtMs: number;
  isCut: boolean;
  recordsMax: number;
}): string {
  const before = `what came before record ${start.startSeq + 1} (${timeOf(start.startAtMs)})`;
  return start.isCut
    ? `${before} is left out: that is more than ${start.recordsMax} records; explain --journal JOURNAL reads all of them`
    : `${before} is no longer in the journal: older records were pruned`;
}

function missingAfter({ seq, atMs }: Core, recordsMax: number): string {
  return (
    `truncated: it was read up to record ${seq} (${timeOf(atMs)}) only, ${recordsMax} records; explain --journal JOURNAL ` +
    "reads all of them"
  );
}

function timeOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

/**
 * Where to begin: before the first record that names it; where that is too far back, as far back as `recordsMax` allows,
 * for what is the case now matters most.
 */
function startFor(
  journal: Journal,
  { firstSeq, lastSeq }: Subject,
  recordsMax: number,
): { core: Core; isCut: boolean } {
  const { records, firstSeq: oldestSeq, lastSeq: newestSeq } = journal.stats();
  const prunedSeq = records === 0 ? newestSeq : oldestSeq - 1;
  const wantedSeq = firstSeq === undefined ? newestSeq : firstSeq - 1;
  const needSeq = Math.max(lastSeq ?? 0, wantedSeq);
  const wanted = stateAt(journal, prunedSeq, wantedSeq);
  const tooFarBack = wanted && needSeq - wanted.seq > recordsMax;
  if (wanted && !tooFarBack) return { core: wanted, isCut: false };
  for (const seq of journal.checkpointSeqs()) {
    if (seq < prunedSeq || seq < needSeq - recordsMax || seq > newestSeq) continue;
    const core = restoreAt(journal, seq);
    if (core?.seq === seq) return { core, isCut: tooFarBack === true };
  }
  if (wanted) return { core: wanted, isCut: false };
  throw new ExplainError(
    `the records up to ${prunedSeq} were pruned, and no checkpoint of this version (${CODE_VERSION}) of the deciding code ` +
      "is left to begin with: it comes with the dispatcher's next one",
  );
}

/** The newest state at or before `seq`; undefined where it would have to be folded from records that were pruned. */
function stateAt(journal: Journal, prunedSeq: number, seq: number): Core | undefined {
  const core = restoreAt(journal, seq);
  if (core && core.seq >= prunedSeq) return core;
  return prunedSeq === 0 ? new Core(journal.id) : undefined;
}

function restoreAt(journal: Journal, atOrBeforeSeq: number): Core | undefined {
  const checkpoint = journal.checkpoint({ atOrBeforeSeq, code: CODE_VERSION });
  return checkpoint && Core.restore(checkpoint.state);
}
