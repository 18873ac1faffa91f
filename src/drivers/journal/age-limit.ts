const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Instants in ms since 1970; all as the journal's newest run tells them. */
export interface AgeLimit {
  readonly nowMs: number;
  /** Infinity: nothing is too old. */
  readonly maxAgeMs: number;
  /** Of the oldest record that is left. */
  readonly oldestAtMs: number;
  /** How long the dispatcher has run since records were last removed for their age; Infinity: no clock is doubted. */
  readonly ranForMs: number;
}

/**
 * Before when records are too old to be kept. However old all is by a clock that may be wrong: of the history at most a
 * day for each hour that the dispatcher has run, so that whoever notices can still stop it.
 */
export function ageCutoffMs({ nowMs, maxAgeMs, oldestAtMs, ranForMs }: AgeLimit): number {
  const boundMs = oldestAtMs + (Math.max(0, ranForMs) / HOUR_MS) * DAY_MS;
  return Math.min(nowMs - maxAgeMs, boundMs);
}
