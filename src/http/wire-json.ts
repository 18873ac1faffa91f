/** JSON in one line; bigints (priorities exceed 2^53) are written as plain integers. */
export function wireJson(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(wireJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${JSON.stringify(key)}:${wireJson(member)}`);
  return `{${members.join(",")}}`;
}

const ZERO_TIME = "0001-01-01T00:00:00Z";

/** RFC 3339 as the original writes it: no trailing zeros in the fraction; null is its zero time (spec §17.5). */
export function wireTime(atMs: number | null): string {
  return atMs === null ? ZERO_TIME : new Date(atMs).toISOString().replace(/\.?0+Z$/, "Z");
}

/** The same, for endpoints of our own: null where there is no such time. */
export function timeOrNull(atMs: number | null): string | null {
  return atMs === null ? null : wireTime(atMs);
}
