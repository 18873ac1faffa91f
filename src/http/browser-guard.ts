import { isIP } from "node:net";
import type { AppContext, AppMiddleware } from "./context.ts";
import { Problem } from "./problem.ts";

const CHANGES_NOTHING = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Against pages of other sites that a user's browser has open. What comes from a browser must name a host by which this
 * service is known, so that no foreign name that was made to point here is taken for it; what would change something must
 * come from a page of that host, whatever cookie it brings. `hosts` are `name` (any port) or `name:port`.
 */
export function guardBrowsers(hosts: readonly string[]): AppMiddleware {
  const known = new Set(hosts.map(plainHost));
  const isKnown = (host: string): boolean => known.has(host) || known.has(nameOf(host));
  return (ctx, next) => {
    const origin = ctx.get("Origin");
    const site = ctx.get("Sec-Fetch-Site");
    if (origin === "" && site === "") return next();
    const host = plainHost(ctx.get("Host"));
    if (!isKnown(host) && !isThisMachine(ctx, host)) {
      const detail =
        `a browser asks here for the host ${JSON.stringify(host)}, which is not one of this service's; ` +
        "if it is, add it to DispatchCloud.Page.Hosts";
      throw new Problem(403, "unexpected-host", detail);
    }
    if (CHANGES_NOTHING.has(ctx.method)) return next();
    const from = originHost(origin);
    const isOwnPage =
      origin === "" ? site === "same-origin" || site === "none" : from === host || isKnown(from);
    if (isOwnPage) return next();
    const detail = `a page of another site (${origin || site}) may not change anything here`;
    throw new Problem(403, "foreign-origin", detail);
  };
}

/** The address that the connection came to, or a name of it that nobody else can give: browsers resolve `localhost` themselves. */
function isThisMachine({ req: { socket } }: AppContext, host: string): boolean {
  const name = nameOf(host);
  const address = (socket.localAddress ?? "").replace(/^::ffff:/i, "");
  if (name === "localhost") return true;
  const isLoopback = name === "::1" || /^127\.\d+\.\d+\.\d+$/.test(name);
  return isIP(name) !== 0 && (isLoopback || name === address);
}

/** Lower case, without the ports that stand for themselves. */
function plainHost(host: string): string {
  return host
    .trim()
    .toLowerCase()
    .replace(/:(80|443)$/, "");
}

function nameOf(host: string): string {
  return host.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** "" for `null` and for what is no origin. */
function originHost(origin: string): string {
  return URL.canParse(origin) ? plainHost(new URL(origin).host) : "";
}
