import { baseLines } from "../../../src/http/export/label-lines.ts";
import { wrapped } from "../../../src/http/export/wrapped.ts";
import type { ChartEdge, ChartTransition } from "../../../src/http/wire/chart.ts";

export type Label = Omit<NonNullable<ChartEdge["label"]>, "x" | "y">;
type Line = Label["lines"][number];

/** Of the page's label font (monospaced, 11 px), with room for one that is a little wider. */
const CHAR_W = 6.7;
const LINE_CHARS_MAX = 30;
/** From the last base line to the label's lower edge. */
const BELOW_LAST = 6.5;

/** What an arrow says: each event, and under it the guard, wrapped. */
export function labelOf(transitions: readonly ChartTransition[]): Label | null {
  const lines = transitions.flatMap(({ events, guard }, transition): Line[] => {
    const line =
      (part: Line["part"]) =>
      (text: string): Line => ({ text, part, transition });
    const guards = guard === "" ? [] : wrapped(guard.split(/ (?=and |or )/), " ", LINE_CHARS_MAX);
    return [
      ...wrapped(events, ", ", LINE_CHARS_MAX).map(line("event")),
      ...guards.map((text, i) =>
        line("guard")(`${i === 0 ? "[" : " "}${text}${i === guards.length - 1 ? "]" : ""}`),
      ),
    ];
  });
  if (lines.length === 0) return null;
  const chars = Math.max(...lines.map(({ text }) => text.length));
  const h = (baseLines(lines).at(-1) ?? 0) + BELOW_LAST;
  return { w: Math.ceil(chars * CHAR_W) + 8, h, lines };
}

export function boxWidth(text: string): number {
  return Math.ceil(text.length * 7.6) + 28;
}
