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

/** The requests in flight and those that wait, with their metrics (specification §11.6, §12). */
export class Traffic {
  readonly limiter: RequestLimiter;
  readonly requests = new RequestTable();
  readonly #options: TrafficOptions;
  /** Made at its first use, so that its metrics are there from then on only. */
  #tunnels: RequestLimiter | undefined;

  constructor(options: TrafficOptions) {
    this.#options = options;
    const { concurrentMax, queuedMax } = options;
    this.limiter = this.#makeLimiter("api", concurrentMax, queuedMax);
  }

  limiterOf(queue: QueueName): RequestLimiter {
    if (queue === "api") return this.limiter;
    this.#tunnels ??= this.#makeLimiter("tunnel", this.#options.tunnelsMax, 0);
    return this.#tunnels;
  }

  /** Whether a queue has hardly a turn left. */
  get isBusy(): boolean {
    return this.#queues().some(
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
    for (const { queue, limiter, concurrentMax, queuedMax } of this.#queues()) {
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

  #queues() {
    const { concurrentMax, queuedMax, tunnelsMax } = this.#options;
    const api = { queue: "api", limiter: this.limiter, concurrentMax, queuedMax };
    const limiter = this.#tunnels;
    if (!limiter) return [api];
    return [api, { queue: "tunnel", limiter, concurrentMax: tunnelsMax, queuedMax: 0 }];
  }

  #makeLimiter(queue: QueueName, concurrentMax: number, queuedMax: number): RequestLimiter {
    const { nowMs, metrics } = this.#options;
    return new RequestLimiter({
      concurrentMax,
      queuedMax,
      nowMs,
      onDequeued: ({ priority, delayMs, served }) => {
        const summary = served ? metrics.queueDelay : metrics.queueTimeout;
        summary.observe({ queue, priority: priorityName(priority) }, delayMs / 1000);
      },
    });
  }
}
