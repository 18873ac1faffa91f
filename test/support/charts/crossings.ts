import type { ChartEdge } from "../../../src/http/wire/chart.ts";

type Point = readonly [number, number];
type Segment = readonly [Point, Point];

/** How often arrows cross each other; all their lines are level or upright. */
export function crossingsOf(edges: readonly Pick<ChartEdge, "points">[]): number {
  const lines = edges.map(({ points }) => segmentsOf(points));
  let count = 0;
  lines.forEach((line, index) => {
    for (const other of lines.slice(index + 1))
      for (const a of line) for (const b of other) if (cross(a, b) || cross(b, a)) count++;
  });
  return count;
}

function segmentsOf(points: readonly Point[]): Segment[] {
  return points.slice(1).map((point, index) => [points[index] as Point, point]);
}

function cross([[x1, y], [x2, yTo]]: Segment, [[x, y1], [xTo, y2]]: Segment): boolean {
  if (y !== yTo || x !== xTo) return false;
  return isWithin(x, x1, x2) && isWithin(y, y1, y2);
}

function isWithin(value: number, a: number, b: number): boolean {
  return value > Math.min(a, b) && value < Math.max(a, b);
}
