import type { AppMiddleware } from "./context.ts";
import { Problem } from "./problem.ts";

interface Matched {
  readonly matched?: readonly { readonly methods: readonly string[] }[];
  readonly _matchedRoute?: unknown;
}

/** After a router: answers for the paths that it knows under another method. */
export function refuseMethods(): AppMiddleware {
  return (ctx, next) => {
    const { matched = [], _matchedRoute } = ctx as unknown as Matched;
    const methods = new Set(matched.flatMap((layer) => layer.methods));
    if (_matchedRoute !== undefined || methods.size === 0) return next();
    const allow = [...methods.add("OPTIONS")].sort().join(", ");
    if (ctx.method !== "OPTIONS") {
      const detail = `${ctx.method} is not known here; ${allow} are`;
      throw new Problem(405, "method-not-allowed", detail, { Allow: allow });
    }
    ctx.set("Allow", allow);
    ctx.status = 200;
    ctx.body = "";
    return Promise.resolve();
  };
}
