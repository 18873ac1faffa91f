import { forward } from "./forward.ts";
import { CloudError, type InstanceSet } from "./port.ts";

export interface RateLimitOptions {
  /** `CloudVMs.MaxCloudOpsPerSecond`; 0 means no limit. */
  readonly opsPerSecond: number;
  readonly nowMs: () => number;
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
}

/**
 * Spaces the calls to the cloud (specification §9.2): one ticker for all of them, first come, first served; while idle it keeps
 * one tick. A call that is aborted while it waits was never made.
 */
export function withRateLimit(inner: InstanceSet, options: RateLimitOptions): InstanceSet {
  if (options.opsPerSecond <= 0) return inner;
  const nextTick = makeTicker(options);
  return {
    ...forward(inner),
    async create(request, signal) {
      await nextTick(signal);
      return inner.create(request, signal);
    },
    async list(tags, signal) {
      await nextTick(signal);
      return inner.list(tags, signal);
    },
    async destroy(instanceId, signal) {
      await nextTick(signal);
      return inner.destroy(instanceId, signal);
    },
    async setTags(instanceId, tags, signal) {
      await nextTick(signal);
      return inner.setTags(instanceId, tags, signal);
    },
  };
}

function makeTicker({ opsPerSecond, nowMs, setTimer }: RateLimitOptions) {
  const periodMs = 1000 / opsPerSecond;
  const madeAtMs = nowMs();
  const waiting = new Set<() => void>();
  let ticksTaken = 0;
  let cancelTimer: (() => void) | undefined;

  /** Ticks come at fixed times; of those that nobody waited for, the last one may still be taken. */
  function serve(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    const [first] = waiting;
    if (!first) return;
    const ticksPassed = Math.floor((nowMs() - madeAtMs) / periodMs);
    if (ticksPassed > ticksTaken) {
      ticksTaken = ticksPassed;
      waiting.delete(first);
      first();
    }
    if (waiting.size === 0) return;
    const nextAtMs = madeAtMs + (ticksTaken + 1) * periodMs;
    cancelTimer = setTimer(Math.max(1, Math.ceil(nextAtMs - nowMs())), serve);
  }

  return (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const onAbort = () => {
        waiting.delete(grant);
        const message = "aborted while waiting for MaxCloudOpsPerSecond; not asked";
        reject(new CloudError({ code: "aborted", message }, { cause: signal.reason }));
      };
      const grant = () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      waiting.add(grant);
      serve();
    });
}
