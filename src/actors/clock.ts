/** Time for everything outside the core. The simulator has its own. */
export interface Clock {
  /** Milliseconds since the epoch; never decreases within a run, whatever the machine's wall clock does. */
  nowMs(): number;
  /** Runs `callback` once, not before `delayMs` have passed; the returned function cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** What a machine tells of the time: the wall clock, which may be set at any moment, and one that only goes on. */
export interface TimeSource {
  wallMs(): number;
  monotonicMs(): number;
}

/** Wall time at the start, monotonic from then on: whoever sets the clock moves no deadline. */
export function steadyTime(source: TimeSource): () => number {
  const baseMs = source.wallMs() - source.monotonicMs();
  return () => Math.floor(baseMs + source.monotonicMs());
}

/** The machine's. */
export const SYSTEM_TIME: TimeSource = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** More than the pace of a clock that is being corrected, and less than anybody would set one by. */
const JUMP_MS = 2_000;

/** Notices that somebody sets the wall clock; the time of a run goes on as it began, whatever it says. */
export class WallClockWatch {
  readonly #wallMs: () => number;
  readonly #runMs: () => number;
  #offsetMs = 0;

  /** `runMs`: the run's time, which began as the wall clock's. */
  constructor(wallMs: () => number, runMs: () => number) {
    this.#wallMs = wallMs;
    this.#runMs = runMs;
  }

  /**
   * What the wall clock is ahead of the run's time by now (ms; negative: behind), and by how much it was set since the last
   * look, 0 where nobody has.
   */
  look(): { readonly offsetMs: number; readonly jumpMs: number } {
    const offsetMs = Math.round(this.#wallMs() - this.#runMs());
    const movedMs = offsetMs - this.#offsetMs;
    this.#offsetMs = offsetMs;
    return { offsetMs, jumpMs: Math.abs(movedMs) > JUMP_MS ? movedMs : 0 };
  }
}

/** The machine's own. */
export function makeSystemClock(): Clock {
  return {
    nowMs: steadyTime(SYSTEM_TIME),
    setTimer: (delayMs, callback) => {
      // Node fires at once beyond 2^31-1 ms.
      const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), 2_147_483_647));
      return () => clearTimeout(timer);
    },
  };
}
