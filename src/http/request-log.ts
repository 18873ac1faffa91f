import { STATUS_CODES } from "node:http";
import { Readable } from "node:stream";
import type { AppContext, AppMiddleware } from "./context.ts";
import type { AppOptions } from "./options.ts";
import { isOver, onEnded } from "./request-life.ts";
import { shownSearch } from "./request-target.ts";

type Options = Pick<AppOptions, "clock" | "log" | "traffic" | "queueRoutes">;

/** The dispatcher polls its own queue, and would fill its own log. */
function levelOf(ctx: AppContext, { queueRoutes }: Options, status: number): "debug" | "info" {
  const { path } = ctx.state.target;
  const ownPoll = queueRoutes !== undefined && ctx.method === "GET" && QUEUE_PATH.test(path);
  return ownPoll && status < 400 ? "debug" : "info";
}

const QUEUE_PATH = /^\/arvados\/v1\/(containers|container_requests|api_client_authorizations)\b/;

/** Lists each request while it is open, and logs it when it comes and when it is answered (specification §11.6). */
export function logRequests(options: Options): AppMiddleware {
  const { clock, log } = options;
  const { requests } = options.traffic;
  return async (ctx, next) => {
    if (isUnlisted(ctx)) return next();
    const startedAtMs = clock.nowMs();
    const fields = requestFields(ctx);
    const open = {
      requestId: fields.RequestID,
      method: ctx.method,
      host: fields.reqHost,
      url: ctx.state.target.raw.split("?")[0] + shownSearch(ctx.state.target.search),
      remoteAddress: fields.remoteAddr,
      forwardedFor: fields.reqForwardedFor,
      startedAtMs,
    };
    requests.add(open);
    // Not answered yet: what Koa has there is a 404.
    log[levelOf(ctx, options, 0)](fields, "request");
    let statusAtMs: number | undefined;
    onEnded(ctx, () => {
      if (statusAtMs !== undefined || ctx.state.isStream) requests.remove(open);
      else requests.abandon(open);
      dropBody(ctx);
      answered(ctx, options, { fields, startedAtMs, statusAtMs: statusAtMs ?? clock.nowMs() });
    });
    try {
      await next();
    } finally {
      statusAtMs = clock.nowMs();
      if (isOver(ctx)) {
        requests.remove(open);
        dropBody(ctx);
      } else if (ctx.state.isStream) requests.remove(open);
    }
  };
}

/** What is asked again and again to see how the others fare. */
function isUnlisted({ method, state }: AppContext): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && ["/metrics", "/metrics.json", "/_inspect/requests"].includes(state.target.path);
}

/** Nobody reads it any more: what makes it must end too, also where the answer never had the connection. */
function dropBody({ body }: AppContext): void {
  if (body instanceof Readable && !body.destroyed) body.destroy();
}

function requestFields(ctx: AppContext) {
  const { requestId, target } = ctx.state;
  const { remoteAddress = "", remotePort = 0 } = ctx.socket;
  return {
    RequestID: requestId,
    remoteAddr: `${remoteAddress}:${remotePort}`,
    reqForwardedFor: ctx.get("X-Forwarded-For"),
    reqMethod: ctx.method,
    reqHost: ctx.get("Host"),
    reqPath: target.path.replace(/^\//, ""),
    reqQuery: shownSearch(target.search).slice(1),
    reqBytes: ctx.request.length ?? 0,
  };
}

function answered(
  ctx: AppContext,
  options: Options,
  request: { fields: object; startedAtMs: number; statusAtMs: number },
): void {
  const { clock, log, traffic } = options;
  const { fields, startedAtMs, statusAtMs } = request;
  const { statusCode } = ctx.res;
  const nowMs = clock.nowMs();
  const durationMs = nowMs - startedAtMs;
  const timeToStatusMs = statusAtMs - startedAtMs;
  const { body } = ctx;
  log[levelOf(ctx, options, statusCode)](
    {
      ...fields,
      respStatusCode: statusCode,
      respStatus: STATUS_CODES[statusCode] ?? "",
      respBytes: ctx.response.length ?? 0,
      timeTotal: durationMs / 1000,
      timeToStatus: timeToStatusMs / 1000,
      timeWriteBody: (nowMs - statusAtMs) / 1000,
      priority: ctx.state.priority,
      queue: ctx.state.queue,
      respBody: statusCode >= 400 && typeof body === "string" ? body.slice(0, 1000) : undefined,
    },
    "response",
  );
  // How long somebody followed is no time that a request took.
  if (ctx.state.isStream) return;
  traffic.requestEnded({
    method: ctx.method.toLowerCase(),
    code: statusCode,
    durationMs,
    timeToStatusMs,
  });
}
