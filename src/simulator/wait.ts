import type { Clock } from "../actors/clock.ts";

/** What takes no time is over at once: no timer for it. */
export function wait(clock: Clock, delayMs: number): Promise<void> {
  if (delayMs <= 0) return Promise.resolve();
  return new Promise((resolve) => clock.setTimer(delayMs, resolve));
}
