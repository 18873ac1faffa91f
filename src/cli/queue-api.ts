import { setTimeout as delay } from "node:timers/promises";
import { callApi, NoAnswerError } from "./api.ts";
import type { Connection } from "./connection.ts";
import { CliError, UsageError } from "./exit-code.ts";
import { oneLine } from "./table.ts";

/** What the commands read of a container record; `select` says so to the queue. */
export interface QueuedContainer {
  readonly uuid: string;
  readonly state: string;
  /** A number, or digits beyond 2^53. */
  readonly priority: number | string;
  readonly command: readonly string[];
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly exit_code: number | null;
  readonly runtime_status: { readonly error?: string; readonly warning?: string };
  readonly cost: number;
}

export interface QueuedRequest {
  readonly uuid: string;
  readonly container_uuid: string;
  readonly name: string | null;
  readonly priority: number;
  readonly state: string;
}

const CONTAINER_SELECT = [
  "uuid",
  "state",
  "priority",
  "command",
  "created_at",
  "started_at",
  "finished_at",
  "exit_code",
  "runtime_status",
  "cost",
];
const REQUEST_SELECT = ["uuid", "container_uuid", "name", "priority", "state"];
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
  return (await callQueue(connection, "/container_requests", {
    method: "POST",
    body: { container_request: request },
  })) as QueuedRequest;
}

export async function getContainer(
  connection: Connection,
  containerId: string,
): Promise<QueuedContainer> {
  const select = encodeURIComponent(JSON.stringify(CONTAINER_SELECT));
  const path = `/containers/${containerId}?select=${select}`;
  return (await callQueue(connection, path, {})) as QueuedContainer;
}

/** The newest first, as far as a page goes. */
export async function listContainers(
  connection: Connection,
  filters: readonly unknown[],
): Promise<readonly QueuedContainer[]> {
  const query = { filters, select: CONTAINER_SELECT, order: ["created_at desc"], limit: PAGE_MAX };
  return list<QueuedContainer>(connection, "/containers", query);
}

/** The newest first, as far as a page goes. */
export async function listRequests(
  connection: Connection,
  filters: readonly unknown[],
): Promise<readonly QueuedRequest[]> {
  const query = { filters, select: REQUEST_SELECT, order: ["created_at desc"], limit: PAGE_MAX };
  return list<QueuedRequest>(connection, "/container_requests", query);
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
  await callQueue(connection, `/container_requests/${requestId}`, { method: "PUT", body });
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
  query: Readonly<Record<string, unknown>>,
): Promise<readonly T[]> {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    params.set(key, typeof value === "string" ? value : JSON.stringify(value));
  }
  const page = (await callQueue(connection, `${path}?${params.toString()}`, {})) as { items: T[] };
  return page.items;
}

/** The queue's API stands at the dispatcher where it is embedded, else at the controller. */
async function callQueue(
  connection: Connection,
  path: string,
  request: { readonly method?: "POST" | "PUT"; readonly body?: unknown },
): Promise<unknown> {
  const { isEmbedded, config, systemRootToken } = connection;
  if (systemRootToken === "") {
    const place = `Clusters.${config.id}.SystemRootToken`;
    throw new CliError(
      isEmbedded
        ? `there is no token for the queue yet: the dispatcher makes it in ${connection.dataDir} when it first starts`
        : `${place} is empty, so the queue cannot be asked`,
    );
  }
  const base = isEmbedded ? {} : { url: config.services.controller.externalURL };
  return callApi(connection, { ...request, ...base, path: `/arvados/v1${path}`, token: "root" });
}
