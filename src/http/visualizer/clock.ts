import { signal } from "@preact/signals";

/** The browser's time: the one file of the page that reads it. */
export function browserNowMs(): number {
  return Date.now();
}

/** Ticks once a second while the page is seen, so that ages and countdowns go on. */
export const tickMs = signal(Date.now());

/** How far the dispatcher's clock is ahead of the browser's. */
export const clockOffsetMs = signal(0);

/** Takes over the dispatcher's time, as it was when its answer came. */
export function noteServerTime(now: string): void {
  const offset = Date.parse(now) - Date.now();
  // The way of the answer makes it jitter; only a real difference counts.
  if (Math.abs(offset - clockOffsetMs.peek()) > 500) clockOffsetMs.value = offset;
}

setInterval(() => {
  if (!document.hidden) tickMs.value = Date.now();
}, 1000);
