import type { Change } from "../machines/core/draft.ts";
import type { JournalRecord } from "../machines/model/record.ts";
import { JournalError } from "../drivers/journal/port.ts";
import type { Checkpoint, Journal } from "../drivers/journal/port.ts";
import type { Clock } from "./clock.ts";

export interface Batch {
  readonly records: readonly {
    readonly record: JournalRecord;
    readonly changes: readonly Change[];
  }[];
}

interface CommitterOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly checkpointRecords: number;
  readonly defer: (flush: () => void) => void;
  readonly observer: {
    commitFailed(error: Error): void;
    /** Commits go through, and nothing had to be given up for that. */
    commitsRecovered(): void;
  };
  readonly onDurable: (batch: Batch) => void;
  /** The state at `seq`, if that is where it is now. */
  readonly takeCheckpoint: (seq: number) => Checkpoint | undefined;
}

const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5_000;
const BALLAST_EVERY_MS = 10_000;
/** Records in one commit at the most: bounds its time and its size. */
const BATCH_MAX = 5_000;

/**
 * Group commit: what has come together since the last commit goes into the next. A failed one is tried again until it
 * works, since what is not durable has not happened; on a full disk the ballast is given up for it.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #pending: { record: JournalRecord; changes: readonly Change[] }[] = [];
  #pendingSinceMs = 0;
  #running = false;
  #failuresCount = 0;
  #ballastReleased = false;
  /** A failure has been told, and not yet that it is over. */
  #failureTold = false;
  #checkpointSeq: number;
  #idle: (() => void)[] = [];
  #closing = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#checkpointSeq = options.journal.checkpointSeqs().at(-1) ?? 0;
  }

  /** The newest commit has not gone through. */
  get stuck(): boolean {
    return this.#failuresCount > 0;
  }

  /** It has not, or only for the ballast that was given up: feeds wait. */
  get failing(): boolean {
    return this.#failuresCount > 0 || this.#ballastReleased;
  }

  /** Age of the oldest record that is not durable yet. */
  lagMs(): number {
    return this.#pending.length === 0 ? 0 : this.#options.clock.nowMs() - this.#pendingSinceMs;
  }

  add(record: JournalRecord, changes: readonly Change[]): void {
    if (this.#pending.length === 0) this.#pendingSinceMs = this.#options.clock.nowMs();
    this.#pending.push({ record, changes });
    if (this.#running) return;
    this.#running = true;
    this.#options.defer(() => void this.#run());
  }

  /** Resolves when all is durable, and a checkpoint taken. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
    const { journal, takeCheckpoint } = this.#options;
    if (journal.lastSeq <= this.#checkpointSeq) return;
    const checkpoint = takeCheckpoint(journal.lastSeq);
    if (checkpoint) await this.#saveCheckpoint(checkpoint);
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      const records = this.#pending.slice(0, BATCH_MAX);
      const checkpoint = this.#checkpointAt(records.at(-1)?.record.seq ?? 0);
      if (!(await this.#append(records))) {
        if (this.#closing && this.#failuresCount > 3) break;
        await this.#pause();
        continue;
      }
      this.#pending.splice(0, records.length);
      this.#options.onDurable({ records });
      if (checkpoint) await this.#saveCheckpoint(checkpoint);
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #append(records: Batch["records"]): Promise<boolean> {
    const { journal, clock } = this.#options;
    try {
      await journal.append(records.map(({ record }) => record));
    } catch (error) {
      // Whatever it was, nothing of the batch was kept: it is tried again, at once where room could be made for it.
      const isFull = error instanceof JournalError && error.code === "diskFull";
      const hasRoom = isFull && journal.releaseBallast();
      if (hasRoom) this.#holdBallast();
      else this.#failuresCount++;
      this.#tellFailure(error);
      return hasRoom && this.#append(records);
    }
    this.#failuresCount = 0;
    this.#pendingSinceMs = clock.nowMs();
    this.#tellRecovery();
    return true;
  }

  /** Until there is room for the ballast again, feeds stay stopped: the space is for destroys and kills. */
  #holdBallast(): void {
    this.#ballastReleased = true;
    const { clock, journal } = this.#options;
    const retry = (): void => {
      if (this.#closing) return;
      if (!journal.restoreBallast()) {
        clock.setTimer(BALLAST_EVERY_MS, retry);
        return;
      }
      this.#ballastReleased = false;
      this.#tellRecovery();
    };
    clock.setTimer(BALLAST_EVERY_MS, retry);
  }

  #tellFailure(error: unknown): void {
    this.#failureTold = true;
    this.#options.observer.commitFailed(error instanceof Error ? error : new Error(String(error)));
  }

  #tellRecovery(): void {
    if (!this.#failureTold || this.failing) return;
    this.#failureTold = false;
    this.#options.observer.commitsRecovered();
  }

  #pause(): Promise<void> {
    const delayMs = Math.min(RETRY_FIRST_MS * 2 ** this.#failuresCount, RETRY_LAST_MS);
    return new Promise((resolve) => this.#options.clock.setTimer(delayMs, resolve));
  }

  /**
   * The state as the batch leaves it, taken before the batch is written: once it is, more facts may have come in, and
   * under load they always have.
   */
  #checkpointAt(seq: number): Checkpoint | undefined {
    const { checkpointRecords, takeCheckpoint } = this.#options;
    const isDue = seq - this.#checkpointSeq >= checkpointRecords;
    return isDue && this.#failuresCount === 0 ? takeCheckpoint(seq) : undefined;
  }

  /** A cache only: what goes wrong with it is no reason to stop. */
  async #saveCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const { journal } = this.#options;
    this.#checkpointSeq = checkpoint.seq;
    try {
      await journal.saveCheckpoint(checkpoint);
    } catch (error) {
      this.#tellFailure(error);
    }
  }
}
