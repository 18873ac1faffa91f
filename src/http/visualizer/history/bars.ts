import type { HistorySpan } from "../../wire/actor.ts";
import { toPx, type Viewport } from "../time/viewport.ts";
import type { Stretch, Warp } from "../time/warp.ts";

/** A state that lasted. */
export interface Bar {
  readonly state: string;
  readonly fromSeq: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** It lasts still. */
  readonly isOpen: boolean;
}

/** The bars of one region of a chart. */
export interface BarRow {
  /** "" for a chart without regions. */
  readonly region: string;
  readonly bars: readonly Bar[];
}

/** What an actor mainly is, above what else there is to it. */
const FIRST_REGIONS = ["lifecycle", "record"];

/** One row a region; what lasts still ends at `asOfMs`. */
export function barRows(spans: readonly HistorySpan[], asOfMs: number): BarRow[] {
  const rows = new Map<string, Bar[]>();
  for (const { region, state, from_seq, from, to } of spans) {
    const bars = rows.get(region) ?? [];
    rows.set(region, bars);
    const fromMs = Date.parse(from);
    const toMs = Math.max(fromMs, to === null ? asOfMs : Date.parse(to));
    bars.push({ state, fromSeq: from_seq, fromMs, toMs, isOpen: to === null });
  }
  const isFirst = ({ region }: BarRow): number => (FIRST_REGIONS.includes(region) ? 0 : 1);
  return [...rows]
    .map(([region, bars]) => ({ region, bars }))
    .sort((a, b) => isFirst(a) - isFirst(b));
}

/** From the first bar's begin to the last one's end. */
export function extentOf(rows: readonly BarRow[]): Stretch {
  const bars = rows.flatMap((row) => row.bars);
  if (bars.length === 0) return { fromMs: 0, toMs: 0 };
  return {
    fromMs: bars.reduce((least, { fromMs }) => Math.min(least, fromMs), Infinity),
    toMs: bars.reduce((most, { toMs }) => Math.max(most, toMs), -Infinity),
  };
}

export interface PlacedBar extends Bar {
  readonly px: number;
  readonly widthPx: number;
}

/** What is seen of the bars, cut at the screen's edges; a short one is still to be seen. */
export function placeBars(bars: readonly Bar[], view: Viewport, warp: Warp): PlacedBar[] {
  const placed: PlacedBar[] = [];
  for (const bar of bars) {
    const fromPx = toPx(view, warp.toWarped(bar.fromMs));
    const toPxEnd = toPx(view, warp.toWarped(bar.toMs));
    if (toPxEnd < 0 || fromPx > view.widthPx) continue;
    const px = Math.max(fromPx, -2);
    const widthPx = Math.max(Math.min(toPxEnd, view.widthPx + 2) - px, BAR_LEAST_PX);
    placed.push({ ...bar, px, widthPx });
  }
  return placed;
}

const BAR_LEAST_PX = 2;

/** Of a region, how long each state lasted in all, the longest first. */
export function timeInStates({ bars }: BarRow): { state: string; ms: number }[] {
  const sums = new Map<string, number>();
  for (const { state, fromMs, toMs } of bars)
    sums.set(state, (sums.get(state) ?? 0) + (toMs - fromMs));
  return [...sums].map(([state, ms]) => ({ state, ms })).sort((a, b) => b.ms - a.ms);
}
