import { bodyParser } from "@koa/bodyparser";
import Router from "@koa/router";
import type { z } from "zod";
import type { ContainerSnapshot } from "../machines/container/container.machine.ts";
import { RECORD_STATES } from "../machines/container/container.types.ts";
import { idleBehaviorSchema } from "../machines/model/command.ts";
import type { WorkerSnapshot } from "../machines/worker/worker.machine.ts";
import { answer } from "./answer.ts";
import { containerList } from "./container-view.ts";
import type { AppContext, AppMiddleware, HttpState } from "./context.ts";
import { acceptJournal } from "./journal-accept.ts";
import { assertNotReadOnly, assertWritable, type OperatorFacts } from "./operator-facts.ts";
import type { AppOptions } from "./options.ts";
import { isOwnPath, Problem } from "./problem.ts";
import { refuseMethods } from "./refuse-methods.ts";
import { statusView } from "./status.ts";
import { makeBearerCheck } from "./tokens.ts";
import { addViewRoutes } from "./view-routes.ts";
import type { ViewOptions } from "./view-options.ts";
import { actionBodySchema, journalAcceptBodySchema, stopBodySchema } from "./wire/actions.ts";
import { workerList } from "./worker-view.ts";

const FILTERS = [...RECORD_STATES, "unlisted"] as const;

/** Our own endpoints: everything below `/dispatch/v1`. A body is read before the turn is asked for: it may come slowly. */
export function serveOwnApi(
  options: AppOptions,
  facts: OperatorFacts,
  limit: AppMiddleware,
): AppMiddleware[] {
  const router = makeOwnRouter(options, facts);
  const readJson = bodyParser({ enableTypes: ["json"], jsonLimit: "64kb", onError: refuseBody });
  return [
    onOwnPath(authenticate(options.managementToken)),
    onOwnPath(readJson),
    onOwnPath(limit),
    router.routes() as unknown as AppMiddleware,
    onOwnPath(refuseMethods()),
    onOwnPath(refuseUnknown),
  ];
}

/** Every route below `/dispatch/v1`; the OpenAPI document has the same, which a test holds them to. */
export function makeOwnRouter(options: AppOptions, facts: OperatorFacts): Router<HttpState> {
  const router = new Router<HttpState>({ prefix: "/dispatch/v1", sensitive: true });
  addViews(router, options);
  addWorkerActions(router, options, facts);
  addContainerActions(router, options, facts);
  addStop(router, options);
  router.post("/journal/accept", (ctx) =>
    acceptJournal(ctx, options, readBody(ctx, journalAcceptBodySchema)),
  );
  return router;
}

/** Only what the page reads: of a journal that nobody writes here, so nothing can be asked for. */
export function serveViewApi(token: string, view: ViewOptions): AppMiddleware[] {
  const router = new Router<HttpState>({ prefix: "/dispatch/v1", sensitive: true });
  addViewRoutes(router, view);
  return [
    onOwnPath(authenticate(token)),
    onOwnPath((ctx, next) => {
      if (["GET", "HEAD", "OPTIONS"].includes(ctx.method)) return next();
      const detail = "this is a journal to look at, without a dispatcher: nothing can be changed";
      throw new Problem(403, "read-only", detail);
    }),
    router.routes() as unknown as AppMiddleware,
    onOwnPath(refuseMethods()),
    onOwnPath(refuseUnknown),
  ];
}

function refuseUnknown(ctx: AppContext): never {
  throw new Problem(404, "unknown-endpoint", `there is nothing at ${ctx.path}`);
}

function onOwnPath(middleware: AppMiddleware): AppMiddleware {
  return (ctx, next) => (isOwnPath(ctx.state.target.path) ? middleware(ctx, next) : next());
}

/** The management token, and in the header only. */
function authenticate(managementToken: string): AppMiddleware {
  const isAllowed = makeBearerCheck(managementToken);
  return (ctx, next) => {
    if (managementToken === "") {
      const detail = "ManagementToken is empty in the configuration: everything here is closed";
      throw new Problem(403, "management-disabled", detail);
    }
    const authorization = ctx.get("Authorization");
    if (isAllowed(authorization)) return next();
    const detail = "send the ManagementToken: Authorization: Bearer TOKEN";
    if (authorization === "")
      throw new Problem(401, "unauthorized", detail, { "WWW-Authenticate": "Bearer" });
    throw new Problem(403, "forbidden", `this is not the token; ${detail}`);
  };
}

function addViews(router: Router<HttpState>, options: AppOptions): void {
  const { readModel } = options;
  router.get("/status", (ctx) => answer(ctx, 200, statusView(options)));
  router.get("/workers", (ctx) =>
    answer(ctx, 200, { items: workerList(readModel, options.instanceTypes()) }),
  );
  router.get("/containers", (ctx) =>
    answer(ctx, 200, { items: containerList(readModel, statesAsked(ctx)) }),
  );
  addViewRoutes(router, options.view);
}

/** `state=Queued,Locked`, or the parameter several times; undefined is all. */
function statesAsked(ctx: AppContext): ReadonlySet<string> | undefined {
  const query = new URLSearchParams(ctx.state.target.search);
  const states = query.getAll("state").flatMap((value) => value.split(","));
  if (states.length === 0) return undefined;
  const unknown = states.find((state) => !(FILTERS as readonly string[]).includes(state));
  if (unknown === undefined) return new Set(states);
  const detail = `state: found ${JSON.stringify(unknown)}, expected one of ${FILTERS.join(", ")}`;
  throw new Problem(400, "bad-parameter", detail);
}

function addWorkerActions(
  router: Router<HttpState>,
  { readModel }: AppOptions,
  facts: OperatorFacts,
): void {
  const answerFor = (
    ctx: AppContext,
    { context }: WorkerSnapshot,
    request: string,
    changed: boolean,
  ) => {
    const { workerId, instanceId } = context;
    answer(ctx, 200, { worker_id: workerId, instance_id: instanceId, request, changed });
  };
  for (const behavior of idleBehaviorSchema.options)
    router.post(`/workers/:id/${behavior}`, async (ctx) => {
      const { reason } = readBody(ctx, actionBodySchema);
      const worker = workerNamed(readModel, ctx.params["id"]);
      const { workerId } = worker.context;
      answerFor(ctx, worker, behavior, await facts.setBehavior(workerId, behavior, reason));
    });
  router.post("/workers/:id/kill", async (ctx) => {
    const { reason } = readBody(ctx, actionBodySchema);
    const worker = workerNamed(readModel, ctx.params["id"]);
    if (worker.value.lifecycle === "creating") {
      const detail =
        "the cloud has not named this instance yet, so it cannot be destroyed; drain it";
      throw new Problem(409, "not-created-yet", detail);
    }
    answerFor(ctx, worker, "kill", await facts.killWorker(worker.context.workerId, reason));
  });
}

function workerNamed(readModel: AppOptions["readModel"], id = ""): WorkerSnapshot {
  const worker = readModel.workerOf(id) ?? readModel.get("worker", id);
  if (worker) return worker;
  throw new Problem(404, "unknown-worker", `no worker and no instance is called ${id}`);
}

function addContainerActions(
  router: Router<HttpState>,
  { readModel }: AppOptions,
  facts: OperatorFacts,
): void {
  router.post("/containers/:uuid/kill", async (ctx) => {
    const { reason } = readBody(ctx, actionBodySchema);
    const { context } = containerNamed(readModel, ctx.params["uuid"]);
    const uuid = context.containerId;
    if (Object.keys(context.processes).length === 0) {
      const detail = `no worker reports a process of ${uuid}; cancel it instead`;
      throw new Problem(409, "no-process", detail);
    }
    const changed = await facts.killContainer(uuid, reason);
    answer(ctx, 202, { container_uuid: uuid, request: "kill", changed });
  });
  router.post("/containers/:uuid/cancel", async (ctx) => {
    const { reason } = readBody(ctx, actionBodySchema);
    const container = containerNamed(readModel, ctx.params["uuid"]);
    refuseCancel(container);
    const uuid = container.context.containerId;
    const changed = await facts.cancelContainer(uuid, reason);
    answer(ctx, 202, { container_uuid: uuid, request: "cancel", changed });
  });
}

function containerNamed(readModel: AppOptions["readModel"], uuid = ""): ContainerSnapshot {
  const container = readModel.get("container", uuid);
  if (container) return container;
  throw new Problem(404, "unknown-container", `no container is called ${uuid}`);
}

/** What has ended cannot be cancelled any more, and what is on hold not yet. */
function refuseCancel({ value, context }: ContainerSnapshot): void {
  const { record } = value;
  const uuid = context.containerId;
  if (Object.keys(context.processes).length > 0) return;
  if (record === "Complete" || record === "Cancelled")
    throw new Problem(409, "already-ended", `${uuid} has ended already: it is ${record}`);
  if (record !== "Queued" || BigInt(context.priority) > 0n) return;
  const detail = `${uuid} is on hold: its priority is 0, so it cannot be locked to be cancelled`;
  throw new Problem(409, "on-hold", detail);
}

function addStop(router: Router<HttpState>, options: AppOptions): void {
  router.post("/stop", async (ctx) => {
    const request = readBody(ctx, stopBodySchema);
    // To stop without draining needs no journal: it must work on a full disk too.
    if (request.drain) assertWritable(options);
    else assertNotReadOnly(options.readOnly);
    options.log.info(request, "stop requested");
    await options.onStop(request);
    answer(ctx, 202, { request: "stop", drain: request.drain });
  });
}

/** Throws `Problem` that names every member that is wrong. */
function readBody<T>(ctx: AppContext, schema: z.ZodType<T>): T {
  const { body } = ctx.request as { body?: unknown };
  const isEmpty = ctx.request.length === 0 || !hasBody(ctx);
  if (!isEmpty && !ctx.is("json")) {
    const detail = "the body must be JSON: Content-Type: application/json";
    throw new Problem(415, "unsupported-media-type", detail);
  }
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "body"}: ${message}`,
  );
  throw new Problem(400, "bad-body", issues.join("; "));
}

function hasBody(ctx: AppContext): boolean {
  const { headers } = ctx.req;
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

function refuseBody(error: Error): never {
  const { status, body } = error as { status?: number; body?: unknown };
  // What co-body could read, but not parse.
  if (status === 400 && typeof body === "string")
    throw new Problem(400, "bad-body", "the body is no JSON object");
  throw error;
}
