/** Time for everything outside the core. The simulator has its own. */
export interface Clock {
  /** Milliseconds since the epoch; never decreases within a run, whatever the machine's wall clock does. */
  nowMs(): number;
  /** Runs `callback` once, not before `delayMs` have passed; the returned function cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/**
 * The clock, ahead by as much as it takes to go on from `atMs`: where the wall clock was set back since the last run,
 * what the journal says would lie in the future, and no deadline would come before it caught up.
 */
export function goingOnFrom(atMs: number, clock: Clock): Clock {
  const aheadMs = Math.max(0, atMs - clock.nowMs());
  if (aheadMs === 0) return clock;
  return {
    nowMs: () => clock.nowMs() + aheadMs,
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  };
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

/** The machine's own. */
export function makeSystemClock(): Clock {
  return {
    nowMs: steadyTime({ wallMs: () => Date.now(), monotonicMs: () => performance.now() }),
    setTimer: (delayMs, callback) => {
      // Node fires at once beyond 2^31-1 ms.
      const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), 2_147_483_647));
      return () => clearTimeout(timer);
    },
  };
}
