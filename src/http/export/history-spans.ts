import type { HistoryAnswer } from "../wire/actor.ts";

/** A state that lasted, with an end also where it lasts on: as far as the history reaches. */
export interface ClosedSpan {
  readonly region: string;
  readonly state: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly isOpen: boolean;
}

/** Region by region, each in order of time. */
export function closedSpans({ spans, as_of }: HistoryAnswer): ClosedSpan[] {
  const starts = spans.map(({ from }) => Date.parse(from));
  const asOfMs = as_of === null ? Math.max(...starts) : Date.parse(as_of);
  const regions = [...new Set(spans.map(({ region }) => region))];
  return regions.flatMap((name) =>
    spans
      .filter(({ region }) => region === name)
      .map(({ region, state, from, to }) => ({
        region,
        state,
        fromMs: Date.parse(from),
        toMs: to === null ? asOfMs : Date.parse(to),
        isOpen: to === null,
      }))
      .sort((a, b) => a.fromMs - b.fromMs),
  );
}
