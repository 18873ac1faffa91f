import type { AppMiddleware } from "./context.ts";
import { parseTarget } from "./request-target.ts";

/** A client's own id is taken if it can stand in a log line. */
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** Names the request, and reads what it is for. */
export function prepareRequests(version: string, makeRequestId: () => string): AppMiddleware {
  return async (ctx, next) => {
    const given = ctx.get("X-Request-Id");
    ctx.state.requestId = REQUEST_ID.test(given) ? given : makeRequestId();
    ctx.set("X-Request-Id", ctx.state.requestId);
    ctx.set("Server", `dispatch-cloud/${version}`);
    const target = parseTarget(ctx.req.url ?? "/");
    ctx.state.target = target;
    // Routers read the path from here, and do not know the absolute form.
    ctx.url = target.raw;
    await next();
  };
}
