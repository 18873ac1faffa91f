import type { Period } from "./explanation.ts";

/** A record of the journal, by number and time. */
export interface Moment {
  readonly seq: number;
  readonly atMs: number;
}

export function periodFrom({ seq, atMs }: Moment): Period {
  return { fromSeq: seq, fromAtMs: atMs, toSeq: null, toAtMs: null };
}

export function endPeriod(period: Period | undefined, { seq, atMs }: Moment): void {
  if (!period || period.toSeq !== null) return;
  period.toSeq = seq;
  period.toAtMs = atMs;
}

/** What was the case one after another; a value that stays the same is one span. */
export class Spans<T extends object> {
  readonly list: (T & Period)[] = [];

  /** The one that goes on. */
  get current(): (T & Period) | undefined {
    const last = this.list.at(-1);
    return last?.toSeq === null ? last : undefined;
  }

  enter(value: T, moment: Moment): void {
    const { current } = this;
    if (current && sameValues(value, current)) return;
    endPeriod(current, moment);
    this.list.push({ ...value, ...periodFrom(moment) });
  }

  end(moment: Moment): void {
    endPeriod(this.current, moment);
  }
}

function sameValues<T extends object>(value: T, span: T): boolean {
  return (Object.keys(value) as (keyof T)[]).every((key) => value[key] === span[key]);
}
