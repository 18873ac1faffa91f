/** Real and shown time of one instant; from there on shown time runs `speed` times as fast. */
interface Anchor {
  readonly realMs: number;
  readonly shownMs: number;
}

export interface PlayheadOptions {
  readonly speed: number;
  /** Where nothing happens for longer than `IDLE_REAL_MS` of the watcher's time, go on at once. */
  readonly skipIdle: boolean;
}

/** Longest pause of a watcher's life that is worth watching. */
const IDLE_REAL_MS = 800;
/** A page that was hidden for a while goes on from where it was. */
const STALL_REAL_MS = 1_000;

/**
 * Tells what moment is shown while records are played by their own times. It knows no clock: the caller says what time it
 * is and when the next record was.
 */
export class Playhead {
  #anchor: Anchor;
  #lastRealMs: number;
  #options: PlayheadOptions;

  constructor(realMs: number, shownMs: number, options: PlayheadOptions) {
    this.#anchor = { realMs, shownMs };
    this.#lastRealMs = realMs;
    this.#options = options;
  }

  /** The speed changes without a jump. */
  change(realMs: number, options: PlayheadOptions): void {
    this.#anchor = { realMs, shownMs: this.#shownMs(realMs) };
    this.#options = options;
  }

  /** Time does not go on: what comes next is not known yet. */
  hold(realMs: number): void {
    this.#anchor = { realMs, shownMs: this.#shownMs(this.#lastRealMs) };
    this.#lastRealMs = realMs;
  }

  /** Up to which moment records are to be applied now. */
  advance(realMs: number, nextAtMs: number): number {
    if (realMs - this.#lastRealMs > STALL_REAL_MS) {
      const shownMs = this.#shownMs(this.#lastRealMs);
      this.#anchor = { realMs, shownMs };
    }
    this.#lastRealMs = realMs;
    const shownMs = this.#shownMs(realMs);
    const { skipIdle, speed } = this.#options;
    if (!skipIdle || nextAtMs - shownMs <= IDLE_REAL_MS * speed) return shownMs;
    // What comes next is some way off still, so that it does not come without a warning.
    this.#anchor = { realMs, shownMs: nextAtMs - (IDLE_REAL_MS / 4) * speed };
    return this.#anchor.shownMs;
  }

  #shownMs(realMs: number): number {
    return this.#anchor.shownMs + (realMs - this.#anchor.realMs) * this.#options.speed;
  }
}
