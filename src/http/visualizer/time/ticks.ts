import { toPx } from "./viewport.ts";
import type { Viewport } from "./viewport.ts";
import type { Warp } from "./warp.ts";

export interface Tick {
  readonly atMs: number;
  readonly px: number;
  readonly label: string;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Steps that people count time in. */
const STEPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 7, 14, 28, 91, 364].map((n) => n * DAY_MS),
];

/** Marks of the axis, at whole steps of UTC, at least `leastPx` apart; none within a cut. */
export function ticksOf(view: Viewport, warp: Warp, leastPx: number): Tick[] {
  const msPerPx = (view.to - view.from) / view.widthPx;
  const stepMs = STEPS_MS.find((ms) => ms / msPerPx >= leastPx) ?? 364 * DAY_MS;
  const untilMs = warp.toReal(view.to);
  const ticks: Tick[] = [];
  let lastPx = -Infinity;
  for (let atMs = Math.ceil(warp.toReal(view.from) / stepMs) * stepMs; atMs <= untilMs;) {
    const cut = warp.cuts.find(({ fromMs, toMs }) => atMs > fromMs && atMs < toMs);
    const px = toPx(view, warp.toWarped(atMs));
    if (!cut && px - lastPx >= leastPx * 0.9) {
      ticks.push({ atMs, px, label: tickLabel(atMs, stepMs) });
      lastPx = px;
    }
    // A cut may hold more steps than anybody wants to count.
    atMs = cut ? Math.ceil(cut.toMs / stepMs) * stepMs : atMs + stepMs;
  }
  return ticks;
}

function tickLabel(atMs: number, stepMs: number): string {
  const iso = new Date(atMs).toISOString();
  if (atMs % DAY_MS === 0) return iso.slice(0, 10);
  if (stepMs < SECOND_MS) return iso.slice(11, 23);
  return iso.slice(11, stepMs < MINUTE_MS ? 19 : 16);
}
