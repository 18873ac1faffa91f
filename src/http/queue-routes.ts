import { randomBytes } from "node:crypto";
import { bodyParser } from "@koa/bodyparser";
import Router from "@koa/router";
import type { Context, Next } from "koa";
import { QueueStoreError, type QueueStore, type Resource } from "../drivers/queue/embedded/port.ts";
import { makeCallerFinder, type QueueCaller } from "./queue-auth.ts";
import type { QueueCall } from "./queue-call.ts";
import {
  readListQuery,
  readParams,
  readRecord,
  readSelect,
  type ParseJson,
} from "./queue-params.ts";
import { makeRunnerHandlers, notForRunners, type RunnerHandler } from "./queue-runner.ts";

export interface QueueRoutesOptions {
  readonly store: QueueStore;
  /** Each of them may do everything; empty ones are passed over. Throws when none is left. */
  readonly tokens: readonly string[];
  /** By which runners have got the tokens of their attempts; "" or absent: none have. */
  readonly rootToken?: string;
  readonly parseJson: ParseJson;
  /** Why nothing new can be taken in now; "" or absent: it can. */
  readonly refusal?: () => string;
}

/** A command line and an environment have room in it. */
const BODY_MAX = "1mb";
const RETRY_AFTER_S = "5";
const LOCK_ANSWER = ["uuid", "state", "priority", "auth_uuid", "locked_by_uuid"];

/** Returns the answer as JSON text. */
type Handler = (call: QueueCall) => string;
type Methods = Readonly<Record<string, Handler>>;

/**
 * The embedded queue as the part of Arvados' controller API that dispatcher, runner and command line use (specification §3, §4,
 * §13). Errors are `{"errors":[…]}` as there. Reads bodies itself, whether or not somebody parsed them before.
 */
export function makeQueueRoutes(options: QueueRoutesOptions): Router {
  const { tokens, rootToken = "", store, parseJson } = options;
  const findCaller = makeCallerFinder({ tokens, rootToken, authIdOf: (t) => store.authIdOf(t) });
  const router = new Router({ prefix: "/arvados/v1", sensitive: true });
  router.use(answerErrors);
  router.use(async (ctx: Context, next: Next) => {
    const caller = findCaller(ctx.get("Authorization"));
    if (caller === undefined) throw new QueueStoreError(401, ["Not logged in"]);
    (ctx.state as { queueCaller?: QueueCaller }).queueCaller = caller;
    await next();
  });
  router.use(
    bodyParser({
      // As text: a parser of its own would round long integers.
      enableTypes: ["text"],
      extendTypes: { text: ["application/json", "application/x-www-form-urlencoded"] },
      textLimit: BODY_MAX,
    }),
  );
  const forRunners = makeRunnerHandlers(store, parseJson);
  for (const [path, methods] of Object.entries(makeHandlers(options))) {
    const handlers = { methods, forRunners: forRunners[path] ?? {} };
    router.all(path, (ctx) => answer(ctx, handlers, parseJson));
  }
  return router;
}

function makeHandlers({
  store,
  parseJson,
  refusal = () => "",
}: QueueRoutesOptions): Readonly<Record<string, Methods>> {
  const list = (resource: Resource) => (call: QueueCall) => {
    const query = readListQuery(call.params, parseJson);
    const { items, itemsAvailable } = store.list(resource, query);
    const kind = resource === "containers" ? "containerList" : "containerRequestList";
    const available = itemsAvailable === null ? "" : `,"items_available":${itemsAvailable}`;
    return (
      `{"kind":"arvados#${kind}","etag":"","self_link":"","offset":${query.offset},` +
      `"limit":${query.limit},"items":${items}${available}}`
    );
  };
  const get = (resource: Resource) => (call: QueueCall) =>
    store.get(resource, call.uuid, readSelect(call.params, parseJson));
  /** Refused before anything is changed. */
  const selectOf = (resource: Resource, call: QueueCall) => {
    const select = readSelect(call.params, parseJson);
    store.checkSelect(resource, select);
    return select;
  };
  const updateContainer = (call: QueueCall) => {
    const changes = readRecord(call.params, "container", parseJson);
    const select = selectOf("containers", call);
    store.updateContainer(call.uuid, changes, call.authId);
    return store.get("containers", call.uuid, select);
  };
  const updateRequest = (call: QueueCall) => {
    const select = selectOf("container_requests", call);
    store.updateRequest(call.uuid, readRecord(call.params, "container_request", parseJson));
    return store.get("container_requests", call.uuid, select);
  };
  const submit = (call: QueueCall) => {
    const reason = refusal();
    if (reason !== "") throw new QueueStoreError(503, [`nothing new is taken in: ${reason}`]);
    const select = selectOf("container_requests", call);
    const uuid = store.submit(readRecord(call.params, "container_request", parseJson));
    return store.get("container_requests", uuid, select);
  };
  const lock = (call: QueueCall) => {
    const select = selectOf("containers", call) ?? LOCK_ANSWER;
    store.lock(call.uuid, call.authId);
    return store.get("containers", call.uuid, select);
  };
  const unlock = ({ uuid, authId }: QueueCall) => {
    store.unlock(uuid, authId);
    return store.get("containers", uuid, LOCK_ANSWER);
  };
  const current = ({ authId }: QueueCall) =>
    JSON.stringify({ kind: "arvados#apiClientAuthorization", uuid: authId, scopes: ["all"] });
  const container = { GET: get("containers"), PUT: updateContainer, PATCH: updateContainer };
  const request = { GET: get("container_requests"), PUT: updateRequest, PATCH: updateRequest };
  return {
    "/api_client_authorizations/current": { GET: current },
    "/containers": { GET: list("containers") },
    "/containers/:uuid": container,
    "/containers/:uuid/lock": { POST: lock },
    "/containers/:uuid/unlock": { POST: unlock },
    "/container_requests": { GET: list("container_requests"), POST: submit },
    "/container_requests/:uuid": request,
  };
}

interface Handlers {
  readonly methods: Methods;
  readonly forRunners: Readonly<Record<string, RunnerHandler>>;
}

function answer(
  ctx: Context & { params: Record<string, string> },
  handlers: Handlers,
  parseJson: ParseJson,
): void {
  const { queueCaller } = ctx.state as { queueCaller: QueueCaller };
  const handle = handlerFor(queueCaller, ctx, handlers);
  const params = readParams(
    { query: ctx.querystring, body: bodyOf(ctx), isJson: ctx.is("json") === "json" },
    parseJson,
  );
  ctx.body = handle({ uuid: ctx.params["uuid"] ?? "", params, authId: queueCaller.authId });
  ctx.type = "application/json";
}

/** A runner has handlers of its own: what they do not have is not for it. */
function handlerFor({ attempt }: QueueCaller, ctx: Context, handlers: Handlers): Handler {
  const method = methodOf(ctx);
  if (attempt) {
    const handler = handlers.forRunners[method];
    if (!handler) throw notForRunners(attempt);
    return (call) => handler({ ...call, attempt });
  }
  const handler = handlers.methods[method];
  if (handler) return handler;
  ctx.set("Allow", Object.keys(handlers.methods).join(", "));
  throw new QueueStoreError(405, [`${method} is not possible on ${ctx.path}`]);
}

/** A GET that is too long for a query string comes as a POST (specification §3). */
function methodOf(ctx: Context): string {
  const override = ctx.method === "POST" ? ctx.get("X-Http-Method-Override").toUpperCase() : "";
  const method = override || ctx.method;
  return method === "HEAD" ? "GET" : method;
}

function bodyOf(ctx: Context): string {
  const { rawBody } = ctx.request as { rawBody?: unknown };
  if (typeof rawBody === "string") return rawBody;
  if (ctx.request.length) {
    const message = "send the body as application/x-www-form-urlencoded or application/json";
    throw new QueueStoreError(415, [message]);
  }
  return "";
}

async function answerErrors(ctx: Context, next: Next): Promise<void> {
  const requestId = (ctx.state as { requestId?: string }).requestId ?? makeRequestId();
  try {
    await next();
  } catch (error) {
    const refusal = toRefusal(error);
    // A bug: the application's handler logs it and answers 500.
    if (!refusal) throw error;
    if (refusal.status >= 500) ctx.app.emit("error", error, ctx);
    // The rest of a body that is too long is not worth reading.
    if (refusal.status === 413) ctx.set("Connection", "close");
    ctx.status = refusal.status;
    const errors = { errors: refusal.errors, error_token: requestId };
    if (refusal.status === 503) return answerUnavailable(ctx, errors);
    ctx.type = "application/json";
    ctx.body = `${JSON.stringify(errors)}\n`;
  }
}

/** Both kinds at once: the API's, and what everything else here answers. */
function answerUnavailable(
  ctx: Context,
  { errors, error_token }: { errors: readonly string[]; error_token: string },
): void {
  ctx.set("Retry-After", RETRY_AFTER_S);
  ctx.type = "application/problem+json";
  const problem = {
    type: "urn:dispatch-cloud:problem:queue-unavailable",
    title: "Service Unavailable",
    status: 503,
    detail: errors.join("; "),
    request_id: error_token,
  };
  ctx.body = `${JSON.stringify({ ...problem, errors, error_token })}\n`;
}

function toRefusal(error: unknown): { status: number; errors: readonly string[] } | undefined {
  if (error instanceof QueueStoreError) return error;
  if (!(error instanceof Error) || !("status" in error)) return undefined;
  // What the body parser throws: too long, cut off, an unknown encoding.
  const status = Number(error.status);
  if (!(status >= 400 && status < 500)) return undefined;
  const message = status === 413 ? `the request body is longer than ${BODY_MAX}` : error.message;
  return { status, errors: [message] };
}

function makeRequestId(): string {
  return `req-${randomBytes(10).toString("hex")}`;
}
