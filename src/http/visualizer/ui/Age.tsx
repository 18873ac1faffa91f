import { formatSpan, formatTime } from "../../../machines/model/amounts.ts";
import { momentMs } from "../session.ts";

/** How long ago that was, and it goes on. */
export function Age({ since }: { readonly since: string | null }) {
  if (since === null) return null;
  return <time title={formatTime(since)}>{spanTo(momentMs.value, Date.parse(since))}</time>;
}

/** How long it is until then. */
export function Countdown({ until }: { readonly until: string }) {
  return <time title={formatTime(until)}>{spanTo(Date.parse(until), momentMs.value)}</time>;
}

/** The browser's clock may be a little behind the dispatcher's: nothing is older than now. */
function spanTo(toMs: number, fromMs: number): string {
  return formatSpan(Math.max(0, toMs - fromMs));
}
