import Koa from "koa";
import { answerErrors } from "./answer-errors.ts";
import type { AppMiddleware, HttpState } from "./context.ts";
import type { HttpLog } from "./options.ts";
import { serveViewApi } from "./own-api.ts";
import { servePage } from "./page-files.ts";
import { prepareRequests } from "./prepare.ts";
import { Problem } from "./problem.ts";
import type { ViewOptions } from "./view-options.ts";

export interface InspectAppOptions {
  readonly view: ViewOptions;
  readonly token: string;
  readonly pageFolder: string;
  readonly makeRequestId: () => string;
  readonly log: HttpLog;
}

/** The page and what it reads, of a journal without its dispatcher. */
export function makeInspectApp(options: InspectAppOptions): Koa<HttpState> {
  const { view, token, pageFolder, makeRequestId, log } = options;
  const app = new Koa<HttpState>();
  app.on("error", (error: Error) => log.debug({ err: error }, "answer not written"));
  const layers: AppMiddleware[] = [
    answerErrors(log),
    prepareRequests(view.version, makeRequestId),
    servePage(pageFolder),
    ...serveViewApi(token, view),
    (ctx) => {
      throw new Problem(404, "unknown-path", `there is nothing at ${ctx.path}`);
    },
  ];
  for (const layer of layers) app.use(layer);
  return app;
}
