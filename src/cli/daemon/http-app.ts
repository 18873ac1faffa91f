import type Koa from "koa";
import type { RunnerBinary } from "../../actors/runner-binary.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { parseLossless } from "../../drivers/queue/arvados/json.ts";
import { openQueueStore } from "../../drivers/queue/embedded/store.ts";
import { makeApp } from "../../http/app.ts";
import { makeAttemptTokens } from "../../http/attempt-tokens.ts";
import type { HttpState } from "../../http/context.ts";
import { FailedTokens } from "../../http/failed-tokens.ts";
import { makeQueueRoutes } from "../../http/queue-routes.ts";
import { Traffic } from "../../http/traffic.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { metricsJson } from "../../telemetry/metrics-json.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { dataPaths } from "../data-dir.ts";
import { health } from "./health.ts";
import { keepRequestDump } from "./request-dump.ts";
import { makeAccept } from "./journal-watch.ts";
import { makeRequestId } from "./request-id.ts";
import type { Secrets } from "./secrets.ts";
import { makeStop } from "./stop.ts";
import { makeView, PAGE_FOLDER } from "./view.ts";
import type { ViewContext } from "./view.ts";

export interface HttpContext extends ViewContext {
  readonly secrets: Secrets;
  readonly dataDir: string;
  readonly metrics: Metrics;
  readonly runnerBinary: RunnerBinary | undefined;
  readonly log: Logger;
  readonly onStopped: (reason: string) => void;
  /** By which the daemon's own requests are known. */
  readonly ownKey: string;
}

/** The HTTP side over the dispatcher, with the embedded queue where that is configured. */
export function makeHttpApp(context: HttpContext): { app: Koa<HttpState>; close: () => void } {
  const { config, secrets, clock, supervisor, journal, metrics, alarms, log } = context;
  const traffic = new Traffic({
    metrics: metrics.service,
    concurrentMax: config.api.maxConcurrentRequests,
    queuedMax: config.api.maxQueuedRequests,
    tunnelsMax: config.api.maxGatewayTunnels,
    nowMs: () => clock.nowMs(),
  });
  const view = makeView(context);
  const store = config.dispatchCloud.queue.driver === "embedded" ? openStore(context) : undefined;
  const isOwnQueue = store !== undefined;
  const runnerTokens = makeAttemptTokens(secrets.systemRootToken);
  const queueTokens = store ? [secrets.systemRootToken, secrets.managementToken] : [];
  const endDumps = keepRequestDump({
    directory: config.systemLogs.requestQueueDumpDirectory,
    traffic,
    clock,
    log,
  });
  const app = makeApp({
    version: context.version,
    readModel: supervisor.readModel,
    submit: (fact) => supervisor.submit(fact),
    accepting: () => supervisor.accepting,
    writable: () => supervisor.writable,
    managementToken: secrets.managementToken,
    instanceTypes: () => config.instanceTypes,
    metricsText: () => {
      traffic.refresh();
      return metrics.registry.metrics();
    },
    metricsJson: () => {
      traffic.refresh();
      return metricsJson(metrics.registry);
    },
    health: () => health({ runnerBinary: context.runnerBinary, traffic, alarms, isOwnQueue }),
    journalStats: () => journal.stats(),
    view: view.options,
    pageFolder: config.dispatchCloud.page.enabled ? PAGE_FOLDER : undefined,
    alarms: () => alarms.list(),
    onStop: makeStop(context),
    acceptJournal: makeAccept(context),
    readOnly: config.dispatchCloud.page.readOnly,
    ...(store
      ? {
          queueRoutes: makeQueueRoutes({
            store,
            tokens: queueTokens,
            rootToken: secrets.systemRootToken,
            parseJson: parseLossless,
            // What is left of a full disk, the space of the ballast, is for what the journal has to record.
            refusal: () => alarms.list().find(({ alarm }) => alarm === "journal")?.message ?? "",
          }),
          isRunnerToken: (token: string) => runnerTokens.attemptOf(token) !== undefined,
        }
      : {}),
    queueTokens,
    ownKey: context.ownKey,
    hosts: hostsOf(config),
    failedTokens: new FailedTokens({ nowMs: () => clock.nowMs() }),
    clock,
    makeRequestId,
    requestTimeoutMs: config.api.requestTimeoutMs,
    traffic,
    log,
  });
  const close = (): void => {
    view.close();
    endDumps();
    store?.close();
  };
  return { app, close };
}

/** Those that the config names. */
function hostsOf({ services, dispatchCloud }: ClusterConfig): string[] {
  const urls = Object.entries(services.dispatchCloud.internalURLs).flatMap(
    ([url, { listenURL }]) => [url, listenURL],
  );
  const named = [...urls, services.controller.externalURL].filter((url) => URL.canParse(url));
  return [...named.map((url) => new URL(url).host), ...dispatchCloud.page.hosts];
}

function openStore({ config, dataDir, clock }: HttpContext): ReturnType<typeof openQueueStore> {
  return openQueueStore({
    path: dataPaths(dataDir).queue,
    clusterId: config.id,
    attemptsMax: config.containers.maxDispatchAttempts,
    nowMs: () => clock.nowMs(),
    bytesMax: config.dispatchCloud.queue.maxBytes,
  });
}
