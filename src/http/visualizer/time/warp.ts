/** A stretch of time, in ms since the epoch. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stretch in which nothing happened, drawn shorter than it was. */
export interface Cut extends Stretch {
  /** Where it begins and ends once shortened. */
  readonly from: number;
  readonly to: number;
}

/**
 * Time with its idle stretches shortened: between the cuts it runs as it did, and the order of instants is kept. All
 * drawing, zooming and panning is done in shortened time; without cuts it is time itself.
 */
export interface Warp {
  readonly cuts: readonly Cut[];
  toWarped(ms: number): number;
  toReal(warped: number): number;
}

export const NO_WARP: Warp = { cuts: [], toWarped: (ms) => ms, toReal: (warped) => warped };

/** Of the idle time, what stays on either side of a cut, so that what happened does not touch it. */
const KEPT_SHARE = 0.1;

/** Each of `idle` (ascending, apart) takes `shortMs` afterwards, unless it was shorter anyway. */
export function makeWarp(idle: readonly Stretch[], shortMs: number): Warp {
  const cuts: Cut[] = [];
  let saved = 0;
  for (const { fromMs, toMs } of idle) {
    const savedHere = toMs - fromMs - shortMs;
    if (savedHere <= 0) continue;
    cuts.push({ fromMs, toMs, from: fromMs - saved, to: toMs - saved - savedHere });
    saved += savedHere;
  }
  if (cuts.length === 0) return NO_WARP;
  return {
    cuts,
    toWarped: (ms) => mapped(ms, cuts, "fromMs", "from"),
    toReal: (warped) => mapped(warped, cuts, "from", "fromMs"),
  };
}

const ENDS = { from: "to", fromMs: "toMs" } as const;

/** From one of the two times to the other, by the cut that it lies in or after. */
function mapped(
  at: number,
  cuts: readonly Cut[],
  given: "from" | "fromMs",
  wanted: "from" | "fromMs",
): number {
  const count = countFirst(cuts.length, (n) => (cuts[n]?.[given] ?? Infinity) <= at);
  const cut = cuts[count - 1];
  if (!cut) return at;
  const end = cut[ENDS[given]];
  if (at >= end) return cut[ENDS[wanted]] + (at - end);
  const share = (at - cut[given]) / (end - cut[given]);
  return cut[wanted] + share * (cut[ENDS[wanted]] - cut[wanted]);
}

/** How many of the first numbers hold; none after the first that does not. */
export function countFirst(length: number, holds: (n: number) => boolean): number {
  let least = 0;
  let most = length;
  while (least < most) {
    const middle = (least + most) >> 1;
    if (holds(middle)) least = middle + 1;
    else most = middle;
  }
  return least;
}

/**
 * Where between `instants` (in any order) nothing happens for so long that it takes more than `share` of the whole, with
 * some of it left on either side.
 */
export function idleStretches(
  instants: Iterable<number>,
  { fromMs, toMs }: Stretch,
  share: number,
): Stretch[] {
  const leastMs = (toMs - fromMs) * share;
  const sorted = [...instants].filter((ms) => ms > fromMs && ms < toMs).sort((a, b) => a - b);
  const stretches: Stretch[] = [];
  let lastMs = fromMs;
  for (const ms of [...sorted, toMs]) {
    const keptMs = (ms - lastMs) * KEPT_SHARE;
    if (ms - lastMs > leastMs) stretches.push({ fromMs: lastMs + keptMs, toMs: ms - keptMs });
    lastMs = ms;
  }
  return stretches;
}
