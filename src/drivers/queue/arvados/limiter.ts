const INITIAL_LIMIT = 8;

export interface LimiterOptions {
  /** Hard maximum of requests at once; 0 is none. */
  readonly limitMax: number;
  readonly nowMs: () => number;
  /** How long no new request starts after a 503. Default: 1 s (specification §3). */
  readonly quietPeriodMs?: number;
}

/**
 * Governs how many requests are under way at once (specification §3): halves on 503, grows on success. A loop: a stream's bound
 * is fixed when it begins, and the runner, which uses this too, loads no streams.
 */
export interface Limiter {
  readonly limit: number;
  readonly inFlight: number;
  /** Waits for a slot, first come, first served. Rejects with the signal's reason, holding no slot then. */
  acquire(signal: AbortSignal): Promise<void>;
  release(): void;
  /** To be called with each answer's status, before `release`. */
  report(status: number): void;
}

interface Waiter {
  readonly start: () => void;
}

export function makeLimiter(options: LimiterOptions): Limiter {
  const { limitMax, nowMs, quietPeriodMs = 1000 } = options;
  const waiting = new Set<Waiter>();
  let limit = limitMax > 0 ? Math.min(INITIAL_LIMIT, limitMax) : INITIAL_LIMIT;
  let inFlight = 0;
  let quietUntilMs = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function admit(): void {
    const quietMs = quietUntilMs - nowMs();
    if (quietMs > 0) {
      if (waiting.size > 0) {
        timer ??= setTimeout(() => {
          timer = undefined;
          admit();
        }, quietMs);
      }
      return;
    }
    for (const waiter of waiting) {
      if (inFlight >= limit) return;
      waiting.delete(waiter);
      inFlight += 1;
      waiter.start();
    }
  }

  return {
    get limit() {
      return limit;
    },
    get inFlight() {
      return inFlight;
    },
    acquire(signal) {
      return new Promise<void>((resolve, reject) => {
        const abandon = () => {
          waiting.delete(waiter);
          reject(signal.reason as Error);
        };
        const waiter: Waiter = {
          start: () => {
            signal.removeEventListener("abort", abandon);
            resolve();
          },
        };
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        signal.addEventListener("abort", abandon, { once: true });
        waiting.add(waiter);
        admit();
      });
    },
    release() {
      inFlight -= 1;
      admit();
    },
    report(status) {
      if (status === 503) {
        if (nowMs() < quietUntilMs) return;
        limit = Math.ceil(limit / 2);
        quietUntilMs = nowMs() + quietPeriodMs;
      } else if (status >= 200 && status < 400) {
        limit = Math.min(limit + Math.max(1, Math.floor(limit / 10)), inFlight * 2);
        if (limitMax > 0) limit = Math.min(limit, limitMax);
        admit();
      }
    },
  };
}
