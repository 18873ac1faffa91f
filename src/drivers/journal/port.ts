import type { JournalRecord } from "../../machines/model/record.ts";

/**
 * The journal: append-only, checked by a chain of checksums. One writer; what `append` resolved is durable.
 */
export interface Journal {
  /** Random, made with the file, and anew where its end was lost (`breaks`): ids of commands begin with it. */
  readonly id: string;
  /** Where records that had been written are missing, the oldest first. */
  readonly breaks: readonly JournalBreak[];
  /** 0 when empty. */
  readonly lastSeq: number;
  /**
   * One group commit: all of the records or none; their `seq` follow `lastSeq` without a gap. Throws `JournalError`;
   * after one, nothing of the batch was kept and the same batch may be tried again.
   */
  append(records: readonly JournalRecord[]): Promise<void>;
  /**
   * In order, up to what was last when the reading began. Each batch's checksum is verified before its records are
   * handed out; their shape is not (see `checkJournal`). Throws `JournalError`, also where `fromSeq` was pruned away.
   */
  read(range?: ReadRange): Iterable<JournalRecord>;
  /** `state` is the fold up to and including `seq`, as one JSON text; `code` names the version of the deciding code. */
  saveCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** The newest one at or before `seq` (default: the newest). A damaged one is passed over. */
  checkpoint(options?: { atOrBeforeSeq?: number; code?: string }): Checkpoint | undefined;
  /** Ascending. */
  checkpointSeqs(): readonly number[];
  /**
   * Seqs of records that concern an actor (`worker/…`, `container/…`), newest last; the newest `limit` of them. From the
   * index written behind, and from the records themselves where that is not there yet.
   */
  seqsOf(actorKey: string, options?: { limit?: number; beforeSeq?: number }): readonly number[];
  /** Makes the actor index anew from the records. */
  rebuildIndex(): Promise<void>;
  stats(): JournalStats;
  /** Somebody takes note of the breaks; durable when it resolves. Returns those that had not been accepted yet. */
  accept(by: Acceptance): Promise<readonly JournalBreak[]>;
  /**
   * Reads the whole chain of checksums, and goes on after damage, to tell its extent. `pause` is awaited between small
   * steps; it ends early where that answers false or the journal is closed.
   */
  checkChain(pause: () => Promise<boolean>): Promise<readonly JournalProblem[]>;
  /** Removes whole batches older than the limits allow, never beyond the newest checkpoint. Returns how many records. */
  prune(limits: PruneLimits): Promise<number>;
  /** Gives the ballast's space back to a full disk. False if there was none to give. */
  releaseBallast(): boolean;
  /** Takes it again once the disk has room for twice its size. Returns whether it is in place. */
  restoreBallast(): boolean;
  close(): Promise<void>;
}

export type JournalBreakCause =
  /** The file is new or empty, and there had been records. */
  | "lost"
  /** It ends before what is known to have been written. */
  | "endsEarly"
  /** It has gone on, from an older copy, to other records than those that had been written. */
  | "otherRecords"
  /** Another journal was put in its place. */
  | "otherJournal"
  /** Nobody knows: the witness cannot be read. */
  | "witnessUnreadable";

/** A start that found records missing, and went on under another id, since ids that have been used must not repeat. */
export interface JournalBreak {
  readonly cause: JournalBreakCause;
  readonly atMs: number;
  /** The newest record that was there. */
  readonly lastSeq: number;
  /** Under which the records up to `lastSeq` are; null where there are none, or a break before says it. */
  readonly journalId: string | null;
  /** The newest record that is known to have been written. */
  readonly witness: { readonly journalId: string; readonly lastSeq: number } | null;
  readonly accepted: Acceptance | null;
}

/** Who took note of it, when and why. */
export interface Acceptance {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

/** Something that is wrong with a journal. */
export interface JournalProblem {
  readonly code: JournalErrorCode | "badCheckpoint" | "badIndex" | "recordsMissing";
  /** Where it begins; null where it has no place. */
  readonly seq: number | null;
  /** With what to do. */
  readonly message: string;
}

/** All that the journal's records are under, the newest last. */
export function journalIds({ id, breaks }: Pick<Journal, "id" | "breaks">): readonly string[] {
  return [...breaks.flatMap(({ journalId }) => journalId ?? []), id];
}

/** Both ends inclusive. */
export interface ReadRange {
  readonly fromSeq?: number | undefined;
  readonly toSeq?: number | undefined;
}

export interface PruneLimits {
  readonly maxAgeMs?: number | undefined;
  /**
   * How long the dispatcher has run since the last time: by age, at most a day of history goes for each hour of it
   * (`ageCutoffMs`). Left out, the clock is trusted.
   */
  readonly ranForMs?: number | undefined;
  /** Of the journal's pages in use; the write-ahead log comes on top. */
  readonly maxBytes?: number | undefined;
  readonly nowMs: number;
}

export interface Checkpoint {
  readonly seq: number;
  readonly code: string;
  readonly state: string;
}

export interface JournalStats {
  readonly id: string;
  readonly formatVersion: number;
  readonly records: number;
  readonly batches: number;
  /** Of the oldest record that is left; 0 when there is none. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly bytes: number;
  readonly checkpoints: number;
  /** Newest seq that the actor index covers. */
  readonly indexedSeq: number;
}

export type JournalErrorCode =
  | "badChecksum"
  | "badRecord"
  | "gap"
  /** The database file itself is broken or cut short. */
  | "damaged"
  | "unknownVersion"
  | "notAJournal"
  | "locked"
  | "readOnly"
  | "diskFull"
  | "io";

/** `message` says what is wrong and what to do; `seq` where, if known. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly code: JournalErrorCode;
  readonly seq: number | undefined;

  constructor(
    code: JournalErrorCode,
    message: string,
    options: ErrorOptions & { seq?: number } = {},
  ) {
    super(message, options);
    this.code = code;
    this.seq = options.seq;
  }
}
