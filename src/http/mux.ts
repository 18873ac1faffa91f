import type { AppContext, AppMiddleware } from "./context.ts";
import { refuse } from "./service-endpoints.ts";

export interface MuxRoute {
  readonly method: "GET" | "POST";
  /** One that ends in a slash stands for what is one level below. */
  readonly path: string;
  readonly handle: (ctx: AppContext) => void | Promise<void>;
}

/** Answers every request as the original's mux does (specification §11.3): redirects, OPTIONS, 405 and 404 included. */
export function serveRoutes(routes: readonly MuxRoute[]): AppMiddleware {
  return async (ctx) => {
    const { path, search } = ctx.state.target;
    const ofMethod = routes.filter(({ method }) => method === ctx.method);
    const route = ofMethod.find((each) => isAt(each, path));
    if (route) return route.handle(ctx);
    const canonical = canonicalOf(ofMethod, path);
    if (canonical !== undefined) return redirect(ctx, canonical + search);
    const methods = routes.filter((each) => isAt(each, path)).map(({ method }) => method);
    if (methods.length > 0) return refuseMethod(ctx, methods);
    refuseUnknown(ctx);
  };
}

export function isRoute(routes: readonly MuxRoute[], ctx: AppContext): boolean {
  return routes.some((route) => route.method === ctx.method && isAt(route, ctx.state.target.path));
}

export function refuseUnknown(ctx: AppContext): void {
  refuse(ctx, 404, "404 page not found");
}

function isAt(route: MuxRoute, path: string): boolean {
  if (!route.path.endsWith("/")) return route.path === path;
  const rest = path.startsWith(route.path) ? path.slice(route.path.length) : "";
  return rest !== "" && !rest.includes("/");
}

/** The known path that is meant by one with double slashes, dots, a slash at its end, or in another letter case. */
function canonicalOf(routes: readonly MuxRoute[], path: string): string | undefined {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  const cleaned = `/${segments.join("/")}`.toLowerCase();
  return routes.find((route) => route.path === cleaned)?.path;
}

function redirect(ctx: AppContext, location: string): void {
  // 308 keeps the method and the body.
  ctx.status = ctx.method === "GET" ? 301 : 308;
  ctx.set("Location", location);
  ctx.body = "";
}

function refuseMethod(ctx: AppContext, methods: readonly string[]): void {
  ctx.set("Allow", [...new Set([...methods, "OPTIONS"])].sort().join(", "));
  if (ctx.method === "OPTIONS") {
    ctx.status = 200;
    ctx.body = "";
  } else refuse(ctx, 405, "Method Not Allowed");
}
