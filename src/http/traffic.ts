import type { ServiceMetrics } from "../telemetry/service-metrics.ts";
import { priorityName, RequestLimiter } from "./limiter.ts";
import { RequestTable } from "./request-table.ts";

export interface TrafficOptions {
  readonly metrics: ServiceMetrics;
  /** Requests at once; 0: no limit. */
  readonly concurrentMax: number;
  /** Requests that wait for their turn. */
  readonly queuedMax: number;
  readonly nowMs: () => number;
}

interface AnsweredRequest {
  /** Lower case. */
  readonly method: string;
  readonly code: number;
  readonly durationMs: number;
  readonly timeToStatusMs: number;
}

/** The requests in flight and those that wait, with their metrics (spec §11.6, §12). */
export class Traffic {
  readonly limiter: RequestLimiter;
  readonly requests = new RequestTable();
  readonly #options: TrafficOptions;

  constructor(options: TrafficOptions) {
    this.#options = options;
    const { concurrentMax, queuedMax, nowMs, metrics } = options;
    this.limiter = new RequestLimiter({
      concurrentMax,
      queuedMax,
      nowMs,
      onDequeued: ({ priority, delayMs, served }) => {
        const summary = served ? metrics.queueDelay : metrics.queueTimeout;
        summary.observe({ queue: "api", priority: priorityName(priority) }, delayMs / 1000);
      },
    });
  }

  requestEnded({ method, code, durationMs, timeToStatusMs }: AnsweredRequest): void {
    const { requestDuration, timeToStatus } = this.#options.metrics;
    requestDuration.observe({ code, method }, durationMs / 1000);
    timeToStatus.observe({ code, method }, timeToStatusMs / 1000);
  }

  /** Sets the gauges; to be called before they are read. */
  refresh(): void {
    const { metrics, concurrentMax, queuedMax, nowMs } = this.#options;
    const { running, queued } = this.limiter.stats();
    metrics.concurrentRequests.set({ queue: "api" }, running);
    metrics.maxConcurrentRequests.set({ queue: "api" }, concurrentMax);
    metrics.maxQueuedRequests.set({ queue: "api" }, queuedMax);
    for (const [priority, count] of Object.entries(queued))
      metrics.queuedRequests.set({ queue: "api", priority }, count);
    const { activeMs, abandonedMs } = this.requests.oldest(nowMs());
    metrics.maxActiveRequestAge.set(activeMs / 1000);
    metrics.maxAbandonedRequestAge.set(abandonedMs / 1000);
  }
}
