import type { Journal } from "../../drivers/journal/port.ts";
import { CODE_VERSION, type Core } from "../../machines/core/core.ts";
import type { Change } from "../../machines/core/draft.ts";
import { foldRecord } from "../../machines/core/replay.ts";
import { toldChanges, toldCore, toldRecord } from "../../machines/explain/told.ts";
import type { JournalVisitor } from "../../machines/explain/visitor.ts";
import type { ActorKey } from "../../machines/model/ids.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import { toldTimesOf } from "../../machines/model/told-times.ts";
import type { TakenTransition } from "../../machines/step.ts";

/** The journal cannot tell: the message says why, and the way out. */
export class TimelineError extends Error {
  override readonly name = "TimelineError";
  readonly code: "pruned" | "other-version" | "too-far";

  constructor(code: TimelineError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The transition of an actor that last changed its state. */
export interface LastTransition extends TakenTransition {
  readonly seq: number;
  readonly atMs: number;
}

/** What the records up to one of them fold to. */
export interface Fold {
  readonly core: Core;
  /** As recorded, and as far as it was seen since the fold began, at a checkpoint. */
  readonly last: Map<ActorKey, LastTransition>;
}

/** Who asks, and how the work is shared with others. */
export interface Turn {
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** How far to go. */
export interface Way extends Turn {
  readonly toSeq?: number | undefined;
  /** More records are not read. */
  readonly recordsMax?: number | undefined;
  /** Whom it is about, "" for no container: why others wait is left out, so the state is not to be kept. */
  readonly about?: string | undefined;
}

/** Records and changes between two pauses: some milliseconds of the event loop. */
const SLICE_STEPS = 200;

/** Shows a visitor a state and each record after it. True where `recordsMax` ended it. */
export async function walk(
  journal: Journal,
  fold: Fold,
  way: Way,
  visitor: JournalVisitor,
): Promise<boolean> {
  const times = toldTimesOf(journal);
  visitor.begin?.(toldCore(fold.core, times));
  return foldOn(journal, fold, way, (record, changes, core) =>
    visitor.see(toldRecord(record, times), toldChanges(record.seq, changes, times), core),
  );
}

/** The same as recorded: folds the records after a state, in slices between other work. */
export async function foldOn(
  journal: Journal,
  fold: Fold,
  { toSeq, recordsMax = Infinity, about, pause, signal }: Way,
  see: JournalVisitor["see"],
): Promise<boolean> {
  let recordsCount = 0;
  let sliceSteps = 0;
  for (const record of journal.read({ fromSeq: fold.core.seq + 1, toSeq })) {
    if (recordsCount >= recordsMax) return true;
    recordsCount++;
    const changes = takeIn(fold, about === undefined ? record : withoutOthersWaits(record, about));
    if (see(record, changes, fold.core) === false) return false;
    sliceSteps += 1 + changes.length;
    if (sliceSteps < SLICE_STEPS) continue;
    sliceSteps = 0;
    await pause();
    signal?.throwIfAborted();
  }
  return false;
}

/** Why others wait changes nothing but what is remembered of them, and is most of what a long queue's planner decides. */
function withoutOthersWaits(record: JournalRecord, id: string): JournalRecord {
  const { decisions } = record;
  const kept = decisions.filter((each) => each.do !== "wait" || each.container === id);
  return kept.length === decisions.length ? record : { ...record, decisions: kept };
}

function takeIn({ core, last }: Fold, record: JournalRecord): readonly Change[] {
  let changes: readonly Change[];
  try {
    ({ changes } = foldRecord(core, record));
  } catch (error) {
    throw new TimelineError(
      "other-version",
      `record ${record.seq} cannot be folded by this version (${CODE_VERSION}) of the deciding code: look at it with ` +
        "the release that wrote it",
      { cause: error },
    );
  }
  for (const { key, transitions, removed } of changes) {
    const taken = transitions.findLast(({ to }) => to !== "");
    if (removed) last.delete(key);
    else if (taken) last.set(key, { ...taken, seq: record.seq, atMs: record.fact.atMs });
  }
  return changes;
}
