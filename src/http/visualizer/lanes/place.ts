import { toPx, type Viewport } from "../time/viewport.ts";
import type { Stretch } from "../time/warp.ts";

export type Placed<T> = T & { readonly px: number; readonly widthPx: number };

/**
 * What is seen of stretches that are in order, cut at the screen's edges. Of several that would share one column of
 * pixels only the first is drawn.
 */
export function placeStretches<T extends Stretch>(
  stretches: readonly T[],
  view: Viewport,
): Placed<T>[] {
  const placed: Placed<T>[] = [];
  let drawnToPx = -Infinity;
  for (const stretch of stretches) {
    const fromPx = toPx(view, stretch.fromMs);
    const endPx = toPx(view, stretch.toMs);
    if (endPx < 0 || fromPx > view.widthPx || endPx < drawnToPx) continue;
    const px = Math.max(fromPx, -2);
    const widthPx = Math.max(Math.min(endPx, view.widthPx + 2) - px, 1);
    drawnToPx = px + widthPx;
    placed.push({ ...stretch, px, widthPx });
  }
  return placed;
}
