import { Gauge, Summary, type Registry } from "prom-client";
import { WindowedSummary } from "./windowed-summary.ts";

export interface ServiceInfo {
  readonly version: string;
  /** Hex SHA-256 of the config file. */
  readonly configSha256: string;
  /** When the file was changed last; of standard input, when it was read. */
  readonly configSourceAtMs: number;
  readonly configLoadedAtMs: number;
}

export type ServiceMetrics = ReturnType<typeof makeServiceMetrics>;

/** Metrics that every Arvados service has (specification §12, service level). Times are seconds. */
export function makeServiceMetrics(registry: Registry, info: ServiceInfo) {
  const gauge = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Gauge<T>({ name: `arvados_${name}`, help, labelNames, registers: [registry] });

  gauge("version_running", "The version that runs.", ["version"]).set({ version: info.version }, 1);
  const sha256 = info.configSha256;
  gauge("config_source_timestamp_seconds", "When the config file was changed last.", [
    "sha256",
  ]).set({ sha256 }, info.configSourceAtMs / 1000);
  gauge("config_load_timestamp_seconds", "When the config was loaded.", ["sha256"]).set(
    { sha256 },
    info.configLoadedAtMs / 1000,
  );

  const summary = (name: string, help: string) =>
    new Summary({
      name,
      help,
      labelNames: ["code", "method"],
      percentiles: [],
      registers: [registry],
    });
  return {
    /** `method` in lower case. */
    requestDuration: summary("request_duration_seconds", "Duration of requests."),
    timeToStatus: summary(
      "time_to_status_seconds",
      "Time until the status of the answer was sent.",
    ),
    maxActiveRequestAge: gauge(
      "max_active_request_age_seconds",
      "Age of the oldest request in progress.",
    ),
    maxAbandonedRequestAge: gauge(
      "max_abandoned_request_age_seconds",
      "Age of the oldest request in progress whose client is gone.",
    ),
    concurrentRequests: gauge("concurrent_requests", "Requests in progress.", ["queue"]),
    maxConcurrentRequests: gauge("max_concurrent_requests", "Limit of requests in progress.", [
      "queue",
    ]),
    maxQueuedRequests: gauge("max_queued_requests", "Limit of requests that wait.", ["queue"]),
    queuedRequests: gauge("queued_requests", "Requests that wait.", ["queue", "priority"]),
    queueDelay: new WindowedSummary(
      registry,
      "arvados_queue_delay_seconds",
      "Time that a request waited before it began.",
      ["queue", "priority"],
    ),
    queueTimeout: new WindowedSummary(
      registry,
      "arvados_queue_timeout_seconds",
      "Time that a request waited before it was given up.",
      ["queue", "priority"],
    ),
  };
}
