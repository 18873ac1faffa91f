import Koa from "koa";
import type { AppMiddleware, HttpState } from "./context.ts";
import { answerInTime } from "./deadline.ts";
import { limitRequests } from "./limiter.ts";
import { serveManagement } from "./management.ts";
import { makeManagementAuth } from "./management-auth.ts";
import { makeOperatorFacts } from "./operator-facts.ts";
import type { AppOptions } from "./options.ts";
import { serveOwnApi } from "./own-api.ts";
import { servePage } from "./page-files.ts";
import { prepareRequests } from "./prepare.ts";
import { answerErrors } from "./problem.ts";
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
  const layers: AppMiddleware[] = [
    answerErrors(options.log),
    prepareRequests(options.version, options.makeRequestId),
    serveMetrics(options, authenticate),
    serveInspection(options),
    logRequests(options),
    answerInTime(options.clock, options.requestTimeoutMs),
    serveHealth(options),
    limitRequests((queue) => options.traffic.limiterOf(queue)),
    ...pageLayers(options),
    ...queueLayers(options),
    ...serveOwnApi(options, facts),
    serveManagement(options, facts, authenticate),
  ];
  for (const layer of layers) app.use(layer);
  return app;
}

function pageLayers({ pageFolder }: AppOptions): AppMiddleware[] {
  return pageFolder === undefined ? [] : [servePage(pageFolder)];
}

function queueLayers({ queueRoutes }: AppOptions): AppMiddleware[] {
  return queueRoutes ? [queueRoutes.routes() as unknown as AppMiddleware, refuseMethods()] : [];
}
