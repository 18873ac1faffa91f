const CORNER = 8;

type Point = readonly [number, number];

/** An arrow as SVG path data: straight lines with rounded corners. */
export function arrowPath(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  const parts = [`M${at(first)}`];
  rest.forEach((corner, index) => {
    const before = points[index] as Point;
    const after = rest[index + 1];
    if (!after) return parts.push(`L${at(corner)}`);
    const r = Math.min(CORNER, distance(before, corner) / 2, distance(corner, after) / 2);
    return parts.push(
      `L${at(towards(corner, before, r))}Q${at(corner)} ${at(towards(corner, after, r))}`,
    );
  });
  return parts.join("");
}

const at = ([x, y]: Point): string => `${round(x)} ${round(y)}`;

const round = (value: number): number => Math.round(value * 10) / 10;

function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

function towards(from: Point, to: Point, by: number): Point {
  const length = distance(from, to);
  if (length === 0) return from;
  return [from[0] + ((to[0] - from[0]) / length) * by, from[1] + ((to[1] - from[1]) / length) * by];
}
