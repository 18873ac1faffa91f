import type { Witness } from "./continuity.ts";
import { witnessPath, writeWitness, writeWitnessNow } from "./witness.ts";

export interface WitnessKeeperOptions {
  readonly write: (witness: Witness) => Promise<void>;
  /** Returns what cancels it. */
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
  /** Told of each failed try, and with undefined once it works again. */
  readonly onError: (error: Error | undefined) => void;
}

/** Between two writes; what is lost with a journal's last second is not noticed. */
const EVERY_MS = 1_000;
const RETRY_MS = 5_000;

/** Writes the witness behind the journal: at most once a second, and never in the way of a commit. */
export class WitnessKeeper {
  readonly #options: WitnessKeeperOptions;
  #newest: Witness | undefined;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #failing = false;
  #closed = false;

  constructor(options: WitnessKeeperOptions) {
    this.#options = options;
  }

  /** `witness` is durable in the journal. */
  note(witness: Witness): void {
    this.#newest = witness;
    this.#schedule(EVERY_MS);
  }

  /** From now on nothing is written; resolves, where it must be waited for, once nothing is. */
  stop(): Promise<void> | undefined {
    this.#closed = true;
    this.#cancel?.();
    return this.#writing;
  }

  /** What is still to be written. */
  get rest(): Witness | undefined {
    return this.#newest;
  }

  #schedule(delayMs: number): void {
    if (this.#closed || this.#cancel || this.#writing) return;
    this.#cancel = this.#options.setTimer(delayMs, () => {
      this.#cancel = undefined;
      this.#writing = this.#write();
    });
  }

  async #write(): Promise<void> {
    const witness = this.#newest;
    if (!witness) return;
    this.#newest = undefined;
    try {
      await this.#options.write(witness);
      if (this.#failing) this.#options.onError(undefined);
      this.#failing = false;
    } catch (error) {
      // A newer one may wait already.
      this.#newest ??= witness;
      this.#failing = true;
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
    }
    this.#writing = undefined;
    if (this.#newest) this.#schedule(this.#failing ? RETRY_MS : EVERY_MS);
  }
}

export interface WitnessFile {
  note(witness: Witness): void;
  /** Writes the last one; to be waited for only where another one is being written. */
  finish(): Promise<void> | undefined;
}

/** The witness beside a journal's file. */
export function keepWitnessFile(
  journalPath: string,
  onError: (error: Error | undefined) => void = () => undefined,
): WitnessFile {
  const path = witnessPath(journalPath);
  const keeper = new WitnessKeeper({
    write: (witness) => writeWitness(path, witness),
    setTimer: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      timer.unref();
      return () => clearTimeout(timer);
    },
    onError,
  });
  const writeRest = () => {
    try {
      if (keeper.rest) writeWitnessNow(path, keeper.rest);
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return {
    note: (witness) => keeper.note(witness),
    finish() {
      const writing = keeper.stop();
      if (writing) return writing.then(writeRest);
      writeRest();
      return undefined;
    },
  };
}
