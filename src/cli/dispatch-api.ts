import type { z } from "zod";
import { journalAcceptAnswerSchema, type JournalAcceptAnswer } from "../http/wire/actions.ts";
import { containersAnswerSchema, type ContainerItem } from "../http/wire/container.ts";
import { lenient } from "../http/wire/lenient.ts";
import { statusAnswerSchema, type StatusAnswer } from "../http/wire/status.ts";
import { workersAnswerSchema, type WorkerItem } from "../http/wire/worker.ts";
import { callApi, readApi, type ApiRequest } from "./api.ts";
import type { Connection } from "./connection.ts";

/** With the management token, and with members that a later version has. Throws `CliError`. */
function reader<T>(schema: z.ZodType<T>) {
  const known = lenient(schema);
  return (connection: Connection, request: Omit<ApiRequest, "token">): Promise<T> =>
    readApi(connection, { ...request, token: "management" }, known);
}

const readStatus = reader(statusAnswerSchema);
const readContainers = reader(containersAnswerSchema);
const readWorkers = reader(workersAnswerSchema);
const readAccepted = reader(journalAcceptAnswerSchema);

/** The dispatcher's own endpoints, `/dispatch/v1` (docs/http-api.md), as far as commands ask for them. */
export function getStatus(connection: Connection, signal?: AbortSignal): Promise<StatusAnswer> {
  return readStatus(connection, { path: "/dispatch/v1/status", ...(signal && { signal }) });
}

export async function listDispatched(connection: Connection): Promise<readonly ContainerItem[]> {
  return (await readContainers(connection, { path: "/dispatch/v1/containers" })).items;
}

export async function listWorkers(connection: Connection): Promise<readonly WorkerItem[]> {
  return (await readWorkers(connection, { path: "/dispatch/v1/workers" })).items;
}

export async function killWorker(
  connection: Connection,
  workerId: string,
  reason: string,
): Promise<void> {
  const path = `/dispatch/v1/workers/${encodeURIComponent(workerId)}/kill`;
  await callApi(connection, { method: "POST", path, body: { reason }, token: "management" });
}

/** Without `drain`, instances and what runs on them stay as they are. */
export async function requestStop(
  connection: Connection,
  request: { readonly drain: boolean; readonly reason: string },
): Promise<void> {
  await callApi(connection, {
    method: "POST",
    path: "/dispatch/v1/stop",
    body: request,
    token: "management",
  });
}

/** Takes note of what the journal lacks; what had not been noted before. */
export async function acceptJournal(
  connection: Connection,
  body: { readonly by: string; readonly reason: string },
): Promise<JournalAcceptAnswer["accepted"]> {
  const path = "/dispatch/v1/journal/accept";
  return (await readAccepted(connection, { method: "POST", path, body })).accepted;
}
