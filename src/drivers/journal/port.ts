import type { JournalRecord } from "../../machines/model/record.ts";

/**
 * The journal: append-only, checked by a chain of checksums. One writer; what `append` resolved is durable.
 */
export interface Journal {
  /** Random, made with the file: ids of commands begin with it. */
  readonly id: string;
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
  /** Removes whole batches older than the limits allow, never beyond the newest checkpoint. Returns how many records. */
  prune(limits: PruneLimits): Promise<number>;
  /** Gives the ballast's space back to a full disk. False if there was none to give. */
  releaseBallast(): boolean;
  /** Takes it again once the disk has room for twice its size. Returns whether it is in place. */
  restoreBallast(): boolean;
  close(): Promise<void>;
}

/** Both ends inclusive. */
export interface ReadRange {
  readonly fromSeq?: number | undefined;
  readonly toSeq?: number | undefined;
}

export interface PruneLimits {
  readonly maxAgeMs?: number | undefined;
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
