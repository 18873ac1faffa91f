/** How many there were from this moment on. */
export interface SeriesPoint {
  readonly atMs: number;
  readonly instances: number;
  readonly running: number;
  readonly waiting: number;
}

const POINTS_MAX = 500;

/** As many points as a plot can show; of each stretch the greatest values are kept. */
export function thinned(points: readonly SeriesPoint[]): SeriesPoint[] {
  if (points.length <= POINTS_MAX) return [...points];
  const fromMs = points[0]?.atMs ?? 0;
  const stretchMs = ((points.at(-1)?.atMs ?? 0) - fromMs) / POINTS_MAX || 1;
  const kept: SeriesPoint[] = [];
  let stretch = -1;
  for (const point of points) {
    const at = Math.floor((point.atMs - fromMs) / stretchMs);
    const last = kept.at(-1);
    if (at !== stretch || !last) kept.push(point);
    else kept[kept.length - 1] = greatest(last, point);
    stretch = at;
  }
  return kept;
}

function greatest(a: SeriesPoint, b: SeriesPoint): SeriesPoint {
  return {
    atMs: a.atMs,
    instances: Math.max(a.instances, b.instances),
    running: Math.max(a.running, b.running),
    waiting: Math.max(a.waiting, b.waiting),
  };
}
