import type { Refusal } from "../worker/worker.types.ts";
import { formatSpan } from "../model/amounts.ts";

/** How often and for how long, and what was said last; "" where nothing was refused. */
export function refusalText(refused: Refusal | null, nowMs: number): string {
  if (!refused) return "";
  const { count, sinceMs, error } = refused;
  const times = count === 1 ? "once" : `${count} times`;
  return `${times}, since ${formatSpan(Math.max(0, nowMs - sinceMs))} ago: ${error}`;
}
