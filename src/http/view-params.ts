import type { Bounds } from "../actors/timeline/timeline.ts";
import type { AppContext } from "./context.ts";
import { instant } from "./instant.ts";
import { Problem } from "./problem.ts";
import type { ViewOptions } from "./view-options.ts";

const SEQ = /^\d{1,15}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i;

/** The query's parameter; "" where it is absent. */
export function param(ctx: AppContext, name: string): string {
  return new URLSearchParams(ctx.state.target.search).get(name) ?? "";
}

export function badParameter(name: string, found: string, expected: string): Problem {
  const shown = JSON.stringify(found.slice(0, 100));
  return new Problem(400, "bad-parameter", `${name}: found ${shown}, expected ${expected}`);
}

/** A whole number within bounds. */
export function countParam(
  ctx: AppContext,
  name: string,
  { absent, min, max }: { readonly absent: number; readonly min: number; readonly max: number },
): number {
  const text = new URLSearchParams(ctx.state.target.search).get(name);
  if (text === null) return absent;
  const value = Number(text);
  if (SEQ.test(text) && value >= min && value <= max) return value;
  throw badParameter(name, text, `a number from ${min} to ${max}`);
}

/** A moment by a record's number or an instant; undefined where the parameter is absent. */
export function momentParam(
  ctx: AppContext,
  name: string,
): { readonly seq: number } | { readonly atMs: number } | undefined {
  const text = param(ctx, name);
  if (text === "") return undefined;
  if (SEQ.test(text)) return { seq: Number(text) };
  const atMs = INSTANT.test(text) ? Date.parse(text) : NaN;
  if (Number.isFinite(atMs)) return { atMs };
  throw badParameter(name, text, "a record's number, or a time such as 2026-01-02T03:04:05.678Z");
}

/** The record that a parameter names, or the last one before the time that it names; throws where none is shown. */
export function seqParam(ctx: AppContext, name: string, options: ViewOptions): number | undefined {
  const moment = momentParam(ctx, name);
  if (!moment) return undefined;
  const { timeline, nowMs } = options;
  const bounds = timeline.bounds();
  if ("seq" in moment) {
    const { seq } = moment;
    if (seq >= bounds.firstSeq && seq <= bounds.lastSeq && seq > 0) return seq;
    throw outOfBounds(name, `record ${seq}`, bounds);
  }
  const atMs = timeline.toldMoment(moment.atMs, nowMs());
  const isFuture = atMs > Math.max(nowMs(), bounds.lastAtMs ?? 0);
  const isBefore = bounds.firstAtMs === null || atMs < Math.floor(bounds.firstAtMs);
  if (isFuture || isBefore) throw outOfBounds(name, instant(atMs), bounds);
  return timeline.seqAt(atMs);
}

export function outOfBounds(name: string, found: string, bounds: Bounds): Problem {
  const { firstSeq, lastSeq, firstAtMs, lastAtMs, missing } = bounds;
  if (firstAtMs === null || lastAtMs === null)
    return new Problem(
      400,
      "out-of-bounds",
      `${name}: ${found} is not in the journal: it is empty`,
    );
  const range = `records ${firstSeq} (${instant(firstAtMs)}) to ${lastSeq} (${instant(lastAtMs)})`;
  const more = missing === "" ? "" : `; ${missing}`;
  return new Problem(400, "out-of-bounds", `${name}: ${found} is not within ${range}${more}`);
}
