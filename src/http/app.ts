import Koa from "koa";
import { answerErrors } from "./answer-errors.ts";
import type { AppContext, AppMiddleware, HttpState } from "./context.ts";
import { answerInTime } from "./deadline.ts";
import { guardBrowsers } from "./browser-guard.ts";
import { answerLate } from "./failed-tokens.ts";
import { identify } from "./identify.ts";
import { limitRequests } from "./limiter.ts";
import { serveManagement } from "./management.ts";
import { makeManagementAuth } from "./management-auth.ts";
import { makeOperatorFacts } from "./operator-facts.ts";
import type { AppOptions } from "./options.ts";
import { serveOwnApi } from "./own-api.ts";
import { servePage } from "./page-files.ts";
import { prepareRequests } from "./prepare.ts";
import { Problem } from "./problem.ts";
import { refuseMethods } from "./refuse-methods.ts";
import { logRequests } from "./request-log.ts";
import { serveHealth, serveInspection, serveMetrics } from "./service-endpoints.ts";

/** The daemon's HTTP side, layer by layer from the outside in (specification §11.1). */
export function makeApp(options: AppOptions): Koa<HttpState> {
  const app = new Koa<HttpState>();
  // Only what goes wrong while an answer is written comes here, a client that leaves above all.
  app.on("error", (error: Error) => options.log.warn({ err: error }, "answer not written"));
  const authenticate = makeManagementAuth(options.managementToken);
  const facts = makeOperatorFacts(options);
  const limit = limitRequests(options.traffic);
  const limitStrangers: AppMiddleware = (ctx, next) =>
    ctx.state.caller === "stranger" ? limit(ctx, next) : next();
  const layers: AppMiddleware[] = [
    answerErrors(options.log),
    prepareRequests(options.version, options.makeRequestId),
    identify({
      tokens: [options.managementToken, ...options.queueTokens],
      ownKey: options.ownKey,
      isRunnerToken: options.isRunnerToken,
    }),
    logRequests(options),
    guardBrowsers(options.hosts),
    answerLate({ failedTokens: options.failedTokens, clock: options.clock, limit }),
    serveMetrics(options, authenticate),
    serveInspection(options),
    answerInTime(options.clock, options.requestTimeoutMs),
    serveHealth(options),
    // Its files are in memory: to hand one out takes no turn.
    ...pageLayers(options),
    limitStrangers,
    ...queueLayers(options, limit),
    ...serveOwnApi(options, facts, limit),
    serveManagement(options, facts, { authenticate, limit }),
  ];
  for (const layer of layers) app.use(layer);
  return app;
}

function pageLayers({ pageFolder }: AppOptions): AppMiddleware[] {
  return pageFolder === undefined ? [] : [servePage(pageFolder)];
}

function queueLayers({ queueRoutes }: AppOptions, limit: AppMiddleware): AppMiddleware[] {
  if (!queueRoutes) return [];
  return [
    onQueuePath(limit),
    queueRoutes.routes() as unknown as AppMiddleware,
    refuseMethods(),
    onQueuePath(refuseUnknown),
  ];
}

function onQueuePath(layer: AppMiddleware): AppMiddleware {
  return (ctx, next) => (QUEUE_PATH.test(ctx.state.target.path) ? layer(ctx, next) : next());
}

/** Of the queue, in whatever letter case: nobody else answers for them. */
const QUEUE_PATH =
  /^\/arvados\/v1\/(containers|container_requests|api_client_authorizations)(\/|$)/i;

function refuseUnknown(ctx: AppContext): never {
  throw new Problem(404, "unknown-endpoint", `there is nothing at ${ctx.state.target.path}`);
}
