import type { TimelineBin } from "../../wire/timeline.ts";

/** A strip of columns, from 0 (left, bottom) to 1 (right, top). */
export interface Density {
  /** Of each bin: how much was going on, and its width. */
  readonly columns: readonly {
    readonly x: number;
    readonly width: number;
    readonly height: number;
  }[];
  /** Points of the line of how many containers ran. */
  readonly running: readonly (readonly [number, number])[];
  /** Most that ran at once. */
  readonly runningMax: number;
}

/** Heights grow with the root of the number of records: a calm hour is to be seen beside a busy minute. */
export function densityOf(bins: readonly TimelineBin[], fromMs: number, toMs: number): Density {
  const spanMs = Math.max(1, toMs - fromMs);
  const share = (ms: number): number => Math.min(1, Math.max(0, (ms - fromMs) / spanMs));
  const recordsMax = bins.reduce((most, { records }) => Math.max(most, records), 1);
  const runningMax = bins.reduce((most, { running }) => Math.max(most, running), 0);
  const starts = bins.map(({ from }) => share(Date.parse(from)));
  const ends = bins.map((_, n) => starts[n + 1] ?? 1);
  return {
    columns: bins.map(({ records }, n) => ({
      x: starts[n] ?? 0,
      width: (ends[n] ?? 1) - (starts[n] ?? 0),
      height: Math.sqrt(records / recordsMax),
    })),
    // How things stood at a bin's end.
    running: bins.map(
      ({ running }, n) => [ends[n] ?? 1, running / Math.max(1, runningMax)] as const,
    ),
    runningMax,
  };
}
