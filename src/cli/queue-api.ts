import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { prioritySchema } from "../http/wire/common.ts";
import { callApi, NoAnswerError, readApi, type ApiRequest } from "./api.ts";
import type { Connection } from "./connection.ts";
import { CliError, UsageError } from "./exit-code.ts";
import { oneLine } from "./table.ts";

/** What the commands read of a container record, and ask the queue for. */
const containerSchema = z.object({
  uuid: z.string(),
  state: z.string(),
  /** A number, or digits beyond 2^53. */
  priority: prioritySchema,
  command: z.array(z.string()),
  created_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  exit_code: z.number().nullable(),
  runtime_status: z.object({ error: z.string().optional(), warning: z.string().optional() }),
  cost: z.number(),
});
export type QueuedContainer = z.infer<typeof containerSchema>;

const requestSchema = z.object({
  uuid: z.string(),
  container_uuid: z.string(),
  name: z.string().nullable(),
  priority: z.number(),
  state: z.string(),
});
export type QueuedRequest = z.infer<typeof requestSchema>;

const CONTAINER_SELECT = Object.keys(containerSchema.shape);
const REQUEST_SELECT = Object.keys(requestSchema.shape);
const PAGE_MAX = 1000;

const UUID = /^[a-z0-9]{5}-(dz642|xvhdp)-[a-z0-9]{15}$/;

/** Throws `UsageError` unless it is a container's uuid: it becomes part of paths. */
export function requireContainerId(text: string): string {
  if (UUID.exec(text)?.[1] === "dz642") return text;
  throw new UsageError(
    `${JSON.stringify(text)} is no container: expected a uuid such as zzzzz-dz642-0123456789abcde (see dispatch-cloud ps --all)`,
  );
}

export function isRequestId(text: string): boolean {
  return UUID.exec(text)?.[1] === "xvhdp";
}

export function isEnded(state: string): boolean {
  return state === "Complete" || state === "Cancelled";
}

/** Puts a request in the embedded queue. `request` is in the notation of the API. */
export async function submitRequest(
  connection: Connection,
  request: Readonly<Record<string, unknown>>,
): Promise<QueuedRequest> {
  const body = { container_request: request };
  const asked = { method: "POST", path: "/container_requests", body } as const;
  return readApi(connection, toQueue(connection, asked), requestSchema);
}

export async function getContainer(
  connection: Connection,
  containerId: string,
): Promise<QueuedContainer> {
  const select = encodeURIComponent(JSON.stringify(CONTAINER_SELECT));
  const path = `/containers/${containerId}?select=${select}`;
  return readApi(connection, toQueue(connection, { path }), containerSchema);
}

/** The newest first, as far as a page goes. */
export async function listContainers(
  connection: Connection,
  filters: readonly unknown[],
): Promise<readonly QueuedContainer[]> {
  const query = { filters, select: CONTAINER_SELECT, order: ["created_at desc"], limit: PAGE_MAX };
  return list(connection, "/containers", { query, schema: containerSchema });
}

/** The newest first, as far as a page goes. */
export async function listRequests(
  connection: Connection,
  filters: readonly unknown[],
): Promise<readonly QueuedRequest[]> {
  const query = { filters, select: REQUEST_SELECT, order: ["created_at desc"], limit: PAGE_MAX };
  return list(connection, "/container_requests", { query, schema: requestSchema });
}

/** More uuids make an address that is too long to ask for. */
const NAMED_MAX = 50;

/** Texts to show containers and requests by: the uuid, with the name that the user gave where the queue tells one. */
export async function labelsOf(
  connection: Connection,
  uuids: readonly string[],
): Promise<(uuid: string) => string> {
  const names = new Map<string, string>();
  try {
    const asked = uuids.slice(0, NAMED_MAX);
    for (const key of ["uuid", "container_uuid"] as const)
      for (const request of await listRequests(connection, [[key, "in", asked]]))
        if (request.name) names.set(request[key], oneLine(request.name));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
  }
  return (uuid) => {
    const name = names.get(uuid);
    return name === undefined ? uuid : `${uuid} (${name})`;
  };
}

/** Priority 0: a waiting container is cancelled at once, a running one is stopped first. */
export async function cancelRequest(connection: Connection, requestId: string): Promise<void> {
  const body = { container_request: { priority: 0 } };
  const path = `/container_requests/${requestId}`;
  await callApi(connection, toQueue(connection, { method: "PUT", path, body }));
}

const WAIT_MS = 300;

/** Polls until the container has ended; a dispatcher that is being restarted is waited for. */
export async function waitForEnd(
  connection: Connection,
  containerId: string,
  onNoAnswer: (error: NoAnswerError) => void,
): Promise<QueuedContainer> {
  let told = false;
  for (;;) {
    try {
      const container = await getContainer(connection, containerId);
      told = false;
      if (isEnded(container.state)) return container;
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      if (!told) onNoAnswer(error);
      told = true;
    }
    await delay(WAIT_MS);
  }
}

async function list<T>(
  connection: Connection,
  path: string,
  asked: { readonly query: Readonly<Record<string, unknown>>; readonly schema: z.ZodType<T> },
): Promise<readonly T[]> {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(asked.query)) {
    params.set(key, typeof value === "string" ? value : JSON.stringify(value));
  }
  const request = toQueue(connection, { path: `${path}?${params.toString()}` });
  return (await readApi(connection, request, z.object({ items: z.array(asked.schema) }))).items;
}

/** The queue's API stands at the dispatcher where it is embedded, else at the controller. */
function toQueue(
  { isEmbedded, config, dataDir, systemRootToken }: Connection,
  request: Pick<ApiRequest, "method" | "path" | "body">,
): ApiRequest {
  if (systemRootToken === "") {
    const place = `Clusters.${config.id}.SystemRootToken`;
    throw new CliError(
      isEmbedded
        ? `there is no token for the queue yet: the dispatcher makes it in ${dataDir} when it first starts`
        : `${place} is empty, so the queue cannot be asked`,
    );
  }
  const base = isEmbedded ? {} : { url: config.services.controller.externalURL };
  return { ...request, ...base, path: `/arvados/v1${request.path}`, token: "root" };
}
