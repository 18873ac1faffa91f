/** RFC 3339 with milliseconds: equally long, so that texts compare as instants do. */
export function instant(atMs: number): string {
  return new Date(atMs).toISOString();
}

export function instantOrNull(atMs: number | null): string | null {
  return atMs === null ? null : instant(atMs);
}
