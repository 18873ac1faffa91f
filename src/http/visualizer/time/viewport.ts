/** What of a line is seen, and how wide that is on the screen; on the line are ms, shortened or not (`Warp`). */
export interface Viewport {
  readonly from: number;
  readonly to: number;
  readonly widthPx: number;
}

/** Closer than this nobody wants to look: records have whole milliseconds. */
const SPAN_MIN_MS = 20;

export function toPx({ from, to, widthPx }: Viewport, at: number): number {
  return ((at - from) / (to - from)) * widthPx;
}

export function fromPx({ from, to, widthPx }: Viewport, px: number): number {
  return from + (px / widthPx) * (to - from);
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** `factor` below 1 shows less, and larger; what is at `at` stays where it is. */
export function zoomed(view: Viewport, at: number, factor: number, bounds: Range): Viewport {
  const span = Math.min(
    Math.max((view.to - view.from) * factor, SPAN_MIN_MS),
    Math.max(bounds.to - bounds.from, SPAN_MIN_MS),
  );
  const share = (at - view.from) / (view.to - view.from);
  return within({ ...view, from: at - share * span, to: at + (1 - share) * span }, bounds);
}

export function panned(view: Viewport, by: number, bounds: Range): Viewport {
  return within({ ...view, from: view.from + by, to: view.to + by }, bounds);
}

/** Moved no further than needed for `at` to be seen, not at the very edge. */
export function showing(view: Viewport, at: number, bounds: Range): Viewport {
  const span = view.to - view.from;
  const margin = span * 0.1;
  if (at < view.from + margin) return panned(view, at - margin - view.from, bounds);
  if (at > view.to - margin) return panned(view, at + margin - view.to, bounds);
  return view;
}

/** Never beyond the bounds, nor wider than they are. */
function within(view: Viewport, bounds: Range): Viewport {
  const span = Math.max(Math.min(view.to - view.from, bounds.to - bounds.from), SPAN_MIN_MS);
  const from = Math.max(Math.min(view.from, bounds.to - span), bounds.from);
  return { ...view, from, to: from + span };
}
