/**
 * JSON in one line. Priorities exceed 2^53: a member `priority` that holds digits is written as the integer. (Within a
 * text its quotes would be escaped, so nothing else can match. A serializer of our own takes four times as long.)
 */
export function wireJson(value: object): string {
  return JSON.stringify(value).replace(/"priority":"(-?\d+)"/g, '"priority":$1');
}

const ZERO_TIME = "0001-01-01T00:00:00Z";

/** RFC 3339 as the original writes it: no trailing zeros in the fraction; null is its zero time (specification §17.5). */
export function wireTime(atMs: number | null): string {
  return atMs === null ? ZERO_TIME : new Date(atMs).toISOString().replace(/\.?0+Z$/, "Z");
}

/** The same, for endpoints of our own: null where there is no such time. */
export function timeOrNull(atMs: number | null): string | null {
  return atMs === null ? null : wireTime(atMs);
}
