import type { AppContext, AppMiddleware } from "./context.ts";
import type { AppOptions } from "./options.ts";
import { makeBearerCheck } from "./tokens.ts";

/** Spec §11.5. Open to all where there is no ManagementToken at all. */
export function serveMetrics(
  options: Pick<AppOptions, "managementToken" | "metricsText" | "metricsJson">,
  authenticate: (ctx: AppContext) => boolean,
): AppMiddleware {
  return async (ctx, next) => {
    const { path } = ctx.state.target;
    const isAsked = ctx.method === "GET" || ctx.method === "HEAD";
    if (!isAsked || (path !== "/metrics" && path !== "/metrics.json")) return next();
    if (options.managementToken !== "" && !authenticate(ctx)) return;
    await writeMetrics(ctx, options);
  };
}

export async function writeMetrics(
  ctx: AppContext,
  options: Pick<AppOptions, "metricsText" | "metricsJson">,
): Promise<void> {
  if (ctx.state.target.path === "/metrics.json") {
    ctx.set("Content-Type", "application/json");
    ctx.body = await options.metricsJson();
  } else {
    ctx.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    ctx.body = await options.metricsText();
  }
}

/** `GET /_health/ping` (specification §11.4): answered before the limiter, so also under load. */
export function serveHealth(
  options: Pick<AppOptions, "managementToken" | "health">,
): AppMiddleware {
  const isAllowed = makeBearerCheck(options.managementToken);
  return async (ctx, next) => {
    if (ctx.method !== "GET" || ctx.state.target.path !== "/_health/ping") return next();
    const authorization = ctx.get("Authorization");
    if (options.managementToken === "") return refuse(ctx, 404, "disabled\n");
    if (authorization === "") return refuse(ctx, 401, "authorization required\n");
    if (!isAllowed(authorization)) return refuse(ctx, 403, "authorization error\n");
    const error = await options.health();
    const health = error === undefined ? { health: "OK" } : { error, health: "ERROR" };
    ctx.set("Content-Type", "application/json");
    ctx.body = `${JSON.stringify(health)}\n`;
  };
}

/** `GET /_inspect/requests`: the requests in flight (specification §11.6). */
export function serveInspection(
  options: Pick<AppOptions, "managementToken" | "traffic" | "clock">,
): AppMiddleware {
  const isAllowed = makeBearerCheck(options.managementToken);
  return async (ctx, next) => {
    if (ctx.method !== "GET" || ctx.state.target.path !== "/_inspect/requests") return next();
    const allowed = isAllowed(ctx.get("Authorization"));
    if (!allowed) ctx.status = 401;
    ctx.set("Content-Type", "application/json");
    ctx.body = allowed
      ? `${JSON.stringify(options.traffic.requests.list(options.clock.nowMs()))}\n`
      : '{"errors":["unauthorized"]}\n';
  };
}

/** An answer in plain text, as the original gives where it does not answer JSON. */
export function refuse(ctx: AppContext, status: number, text: string): void {
  ctx.status = status;
  ctx.set("X-Content-Type-Options", "nosniff");
  ctx.set("Content-Type", "text/plain; charset=utf-8");
  ctx.body = text;
}
