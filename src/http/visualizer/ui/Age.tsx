import { momentMs } from "../session.ts";
import { formatAge, formatSpan, formatTime } from "./format.ts";

/** How long ago that was, and it goes on. */
export function Age({ since }: { readonly since: string | null }) {
  if (since === null) return null;
  return <time title={formatTime(since)}>{formatAge(since, momentMs.value)}</time>;
}

/** How long it is until then. */
export function Countdown({ until }: { readonly until: string }) {
  return <time title={formatTime(until)}>{formatSpan(Date.parse(until) - momentMs.value)}</time>;
}
