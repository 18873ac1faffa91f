import type { Clock } from "../clock.ts";

export interface PacerOptions<T> {
  readonly clock: Clock;
  /** Between two starts, and before the first one. */
  readonly paceMs: number;
  readonly atOnceMax: number;
  /** What it throws is a bug. */
  readonly run: (item: T) => Promise<void>;
  readonly broke: (error: unknown) => void;
}

/** Runs what is added in its order, one start a pace, and not too many at once. */
export class Pacer<T> {
  readonly #options: PacerOptions<T>;
  readonly #waiting: T[] = [];
  #runningCount = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: PacerOptions<T>) {
    this.#options = options;
  }

  add(item: T): void {
    this.#waiting.push(item);
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #arm(): void {
    const { clock, paceMs, atOnceMax } = this.#options;
    const isFull = this.#runningCount >= atOnceMax;
    if (this.#cancel || this.#stopped || isFull || this.#waiting.length === 0) return;
    this.#cancel = clock.setTimer(paceMs, () => {
      this.#cancel = undefined;
      void this.#run(this.#waiting.shift() as T);
      this.#arm();
    });
  }

  async #run(item: T): Promise<void> {
    const { run, broke } = this.#options;
    this.#runningCount++;
    try {
      await run(item);
    } catch (error) {
      broke(error);
    } finally {
      this.#runningCount--;
      this.#arm();
    }
  }
}
