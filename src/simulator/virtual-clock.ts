import type { Clock } from "../actors/clock.ts";
import { Heap } from "../actors/heap.ts";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

const YIELD_EVERY = 1000;

/** Time that passes only when it is told to. Timers fire in order of (time, order of setting), one at a time. */
export class VirtualClock implements Clock {
  readonly #timers = new Heap<Timer>(
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order),
  );
  #nowMs: number;
  #order = 0;

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const timer: Timer = { atMs, order: this.#order++, callback, cancelled: false };
    this.#timers.push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /**
   * Fires timers, and lets promises settle between them, up to `untilMs` or until `done` says so. Answers whether it did.
   */
  async run({ untilMs, done }: { untilMs: number; done?: () => boolean }): Promise<boolean> {
    for (let count = 0; ; count++) {
      await (count % YIELD_EVERY === 0 ? yieldToOthers() : settle());
      if (done?.()) return true;
      const timer = this.#takeNext(untilMs);
      if (!timer) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.callback();
    }
  }

  #takeNext(untilMs: number): Timer | undefined {
    for (let top = this.#timers.peek(); top; top = this.#timers.peek()) {
      if (!top.cancelled && top.atMs > untilMs) return undefined;
      this.#timers.pop();
      if (!top.cancelled) return top;
    }
    return undefined;
  }
}

/**
 * Lets every promise that can go on do so: no I/O is under way in a simulation. A tick comes after all of them, as an
 * immediate does, at a fraction of its cost.
 */
function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** Lets what is outside of the simulation have its turn: messages between processes, signals. */
function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
