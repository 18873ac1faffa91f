import type { ChartEdge } from "../wire/chart.ts";

type Line = NonNullable<ChartEdge["label"]>["lines"][number];

const LINE_H = 14;
/** Between two transitions of one arrow. */
const GAP = 5;
const PADDING = 3;

/** The base line of each of a label's lines, from the label's upper edge. */
export function baseLines(lines: readonly Pick<Line, "transition">[]): number[] {
  return lines.map(
    ({ transition }, index) => PADDING + (index + 1) * LINE_H - 3.5 + transition * GAP,
  );
}
