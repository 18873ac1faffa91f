import type { ServiceMetrics } from "../telemetry/service-metrics.ts";
import { priorityName, RequestLimiter, type QueueName } from "./limiter.ts";
import { RequestTable } from "./request-table.ts";

export interface TrafficOptions {
  readonly metrics: ServiceMetrics;
  /** Requests at once; 0: no limit. */
  readonly concurrentMax: number;
  /** Requests that wait for their turn. */
  readonly queuedMax: number;
  /** Tunnels at once, which never wait; 0: no limit. */
  readonly tunnelsMax: number;
  readonly nowMs: () => number;
}

interface AnsweredRequest {
  /** Lower case. */
  readonly method: string;
  readonly code: number;
  readonly durationMs: number;
  readonly timeToStatusMs: number;
}

/** From this share of its turns on, a queue counts as busy. */
const BUSY_SHARE = 0.9;
const REFUSED_TOLD_MS = 10_000;
const RUNNERS_QUEUED_MIN = 1_000;
/** Each is answered at once or kept waiting on purpose: there is no work to do for who has no token. */
const STRANGERS = { concurrentMax: 16, queuedMax: 32 } as const;

interface Bounds {
  readonly concurrentMax: number;
  readonly queuedMax: number;
}

interface Queue extends Bounds {
  readonly limiter: RequestLimiter;
}

/** The requests in flight and those that wait, with their metrics (specification §11.6, §12). */
export class Traffic {
  readonly limiter: RequestLimiter;
  readonly requests = new RequestTable();
  readonly #options: TrafficOptions;
  /** All but `api` are made at their first use, so that their metrics are there from then on only. */
  readonly #queues = new Map<QueueName, Queue>();
  /** When somebody with a token was last refused for want of a turn. */
  #refusedAtMs: number | undefined;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.limiter = this.limiterOf("api");
  }

  limiterOf(queue: QueueName): RequestLimiter {
    const known = this.#queues.get(queue);
    if (known) return known.limiter;
    const bounds = this.#boundsOf(queue);
    const limiter = this.#makeLimiter(queue, bounds);
    this.#queues.set(queue, { limiter, ...bounds });
    return limiter;
  }

  refused(queue: QueueName): void {
    if (queue !== "strangers") this.#refusedAtMs = this.#options.nowMs();
  }

  /** Says so while those who have a token are refused for want of turns, and for a few seconds after the last one was. */
  trouble(): string | undefined {
    const { nowMs, concurrentMax, queuedMax } = this.#options;
    const refusedAtMs = this.#refusedAtMs ?? -Infinity;
    // A clock that was set back is no reason to go on.
    if (Math.abs(nowMs() - refusedAtMs) >= REFUSED_TOLD_MS) return undefined;
    return (
      "requests with a valid token are refused: " +
      `API.MaxConcurrentRequests (${concurrentMax}) are served and API.MaxQueuedRequests (${queuedMax}) wait`
    );
  }

  /** Whether a queue has hardly a turn left. */
  get isBusy(): boolean {
    return [...this.#queues.values()].some(
      ({ limiter, concurrentMax }) =>
        concurrentMax > 0 && limiter.stats().running >= BUSY_SHARE * concurrentMax,
    );
  }

  requestEnded({ method, code, durationMs, timeToStatusMs }: AnsweredRequest): void {
    const { requestDuration, timeToStatus } = this.#options.metrics;
    requestDuration.observe({ code, method }, durationMs / 1000);
    timeToStatus.observe({ code, method }, timeToStatusMs / 1000);
  }

  /** Sets the gauges; to be called before they are read. */
  refresh(): void {
    const { metrics, nowMs } = this.#options;
    for (const [queue, { limiter, concurrentMax, queuedMax }] of this.#queues) {
      const { running, queued } = limiter.stats();
      metrics.concurrentRequests.set({ queue }, running);
      metrics.maxConcurrentRequests.set({ queue }, concurrentMax);
      metrics.maxQueuedRequests.set({ queue }, queuedMax);
      for (const [priority, count] of Object.entries(queued))
        metrics.queuedRequests.set({ queue, priority }, count);
    }
    const { activeMs, abandonedMs } = this.requests.oldest(nowMs());
    metrics.maxActiveRequestAge.set(activeMs / 1000);
    metrics.maxAbandonedRequestAge.set(abandonedMs / 1000);
  }

  #boundsOf(queue: QueueName): Bounds {
    const { concurrentMax, queuedMax, tunnelsMax } = this.#options;
    switch (queue) {
      case "api":
        return { concurrentMax, queuedMax };
      case "tunnel":
        return { concurrentMax: tunnelsMax, queuedMax: 0 };
      case "own":
        // It bounds itself.
        return { concurrentMax: 0, queuedMax: 0 };
      case "runners":
        // A whole fleet may end at once.
        return { concurrentMax, queuedMax: Math.max(queuedMax, RUNNERS_QUEUED_MIN) };
      case "strangers":
        return STRANGERS;
      default:
        return queue satisfies never;
    }
  }

  #makeLimiter(queue: QueueName, bounds: Bounds): RequestLimiter {
    const { nowMs, metrics } = this.#options;
    return new RequestLimiter({
      ...bounds,
      nowMs,
      onDequeued: ({ priority, delayMs, served }) => {
        const summary = served ? metrics.queueDelay : metrics.queueTimeout;
        summary.observe({ queue, priority: priorityName(priority) }, delayMs / 1000);
      },
    });
  }
}
