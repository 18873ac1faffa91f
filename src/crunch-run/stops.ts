import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "./log.ts";

const STOP_SIGNALS = ["SIGTERM", "SIGINT", "SIGQUIT"] as const;

/** What the stop signals mean changes: first "end the container", then "do not wait for the API any longer". */
export interface Stops {
  /** Aborted by the first stop signal since the start or the last `renew`. */
  readonly signal: AbortSignal;
  /** From now on stop signals abort a new `signal`, which is returned. */
  renew(): AbortSignal;
}

export function listenForStops(log: Log): Stops {
  let current = new AbortController();
  for (const name of STOP_SIGNALS) {
    process.on(name, () => {
      log(`caught signal: ${name}`);
      current.abort();
    });
  }
  return {
    get signal() {
      return current.signal;
    },
    renew: () => (current = new AbortController()).signal,
  };
}

/** Resolves when the signal is given; at once if it was. */
export function given(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

// Node's timers fire at once beyond this.
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Waits; false, at once, when the signal is given. */
export async function pause(spanMs: number, signal: AbortSignal): Promise<boolean> {
  for (let leftMs = spanMs; leftMs > 0 && !signal.aborted; leftMs -= TIMER_MAX_MS) {
    // An aborted delay rejects; the signal tells.
    await delay(Math.min(leftMs, TIMER_MAX_MS), undefined, { signal }).catch(() => undefined);
  }
  return !signal.aborted;
}
