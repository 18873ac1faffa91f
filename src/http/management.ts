import type { IdleBehavior } from "../machines/model/command.ts";
import { queueEntries, queueEntry } from "./container-entry.ts";
import type { AppContext, AppMiddleware } from "./context.ts";
import { readForm, readFormText } from "./form.ts";
import { isRoute, refuseUnknown, serveRoutes, type MuxRoute } from "./mux.ts";
import { cleanReason, type OperatorFacts } from "./operator-facts.ts";
import type { AppOptions } from "./options.ts";
import { Problem } from "./problem.ts";
import { writeMetrics } from "./service-endpoints.ts";
import { wireJson } from "./wire-json.ts";
import { instanceViews } from "./worker-view.ts";

const BASE = "/arvados/v1/dispatch";

type Options = Pick<AppOptions, "readModel" | "instanceTypes" | "metricsText" | "metricsJson">;

/** The management API of specification §11.3, letter by letter. Answers every request that comes here. */
export function serveManagement(
  options: Options,
  facts: OperatorFacts,
  { authenticate, limit }: { authenticate: (ctx: AppContext) => boolean; limit: AppMiddleware },
): AppMiddleware {
  const routes = [
    ...containerRoutes(options, facts),
    ...instanceRoutes(options, facts),
    ...serviceRoutes(options),
  ];
  const serve = serveRoutes(routes);
  return async (ctx, next) => {
    if (!authenticate(ctx)) return;
    // It may come slowly: the turn is asked for when it is there.
    if (isRoute(routes, ctx)) await readFormText(ctx);
    await limit(ctx, async () => serve(ctx, next));
  };
}

function containerRoutes({ readModel, instanceTypes }: Options, facts: OperatorFacts): MuxRoute[] {
  return [
    {
      method: "GET",
      path: `${BASE}/containers`,
      handle: (ctx) => writeJson(ctx, { items: queueEntries(readModel, instanceTypes()) }),
    },
    {
      method: "GET",
      path: `${BASE}/container`,
      handle: async (ctx) => {
        const form = await readForm(ctx);
        const entry = queueEntry(readModel, instanceTypes(), form("container_uuid"));
        if (!entry) throw notFound("container not found");
        writeJson(ctx, entry);
      },
    },
    {
      method: "POST",
      path: `${BASE}/containers/kill`,
      handle: async (ctx) => {
        const form = await readForm(ctx);
        const containerId = form("container_uuid");
        if (containerId === "") throw missing("container_uuid");
        const processes = readModel.get("container", containerId)?.context.processes ?? {};
        if (Object.keys(processes).length === 0) throw notFound("container not found");
        await facts.killContainer(containerId, cleanReason(form("reason")));
        writeNothing(ctx);
      },
    },
  ];
}

function instanceRoutes({ readModel, instanceTypes }: Options, facts: OperatorFacts): MuxRoute[] {
  /** The worker of the instance that the request names, and its reason. */
  const subject = async (ctx: AppContext, unknown: string): Promise<[string, string]> => {
    const form = await readForm(ctx);
    const instanceId = form("instance_id");
    if (instanceId === "") throw missing("instance_id");
    const worker = readModel.workerOf(instanceId);
    if (!worker) throw notFound(unknown);
    return [worker.context.workerId, cleanReason(form("reason"))];
  };
  const setsBehavior = (behavior: IdleBehavior): MuxRoute => ({
    method: "POST",
    path: `${BASE}/instances/${behavior}`,
    handle: async (ctx) => {
      const [workerId, reason] = await subject(ctx, "requested instance does not exist");
      await facts.setBehavior(workerId, behavior, reason);
      writeNothing(ctx);
    },
  });
  return [
    {
      method: "GET",
      path: `${BASE}/instances`,
      handle: (ctx) => writeJson(ctx, { items: instanceViews(readModel, instanceTypes()) }),
    },
    setsBehavior("hold"),
    setsBehavior("drain"),
    setsBehavior("run"),
    {
      method: "POST",
      path: `${BASE}/instances/kill`,
      handle: async (ctx) => {
        const [workerId, reason] = await subject(ctx, "instance not found");
        await facts.killWorker(workerId, reason);
        writeNothing(ctx);
      },
    },
  ];
}

/** Answered before they come here, but for a wrong method and a path to be redirected. */
function serviceRoutes(options: Options): MuxRoute[] {
  const metrics = (ctx: AppContext) => writeMetrics(ctx, options);
  return [
    { method: "GET", path: "/metrics", handle: metrics },
    { method: "GET", path: "/metrics.json", handle: metrics },
    { method: "GET", path: "/_health/ping", handle: refuseUnknown },
    { method: "GET", path: "/_health/", handle: refuseUnknown },
  ];
}

function missing(name: string): Problem {
  return new Problem(400, "missing-parameter", `${name} parameter not provided`);
}

function notFound(text: string): Problem {
  return new Problem(404, "not-found", text);
}

function writeJson(ctx: AppContext, value: object): void {
  // The original names no type, so that its HTTP library finds this one.
  ctx.set("Content-Type", "text/plain; charset=utf-8");
  ctx.body = `${wireJson(value)}\n`;
}

function writeNothing(ctx: AppContext): void {
  ctx.status = 200;
  ctx.body = "";
}
