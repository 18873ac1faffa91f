import { callApi } from "./api.ts";
import type { Connection } from "./connection.ts";

/** The dispatcher's own endpoints, `/dispatch/v1` (docs/http-api.md), as far as commands read them. */
export interface DispatcherStatus {
  readonly version: string;
  readonly now: string;
  readonly state: string;
  readonly started_at: string | null;
  readonly stop_reason: string;
  readonly accepting: boolean;
  readonly read_only: boolean;
  readonly seq: number;
  readonly journal: {
    readonly records: number;
    readonly bytes: number;
    readonly checkpoints: number;
  };
  readonly alarms: readonly { alarm: string; message: string; since: string }[];
  readonly price_per_hour: number;
  readonly workers: readonly FleetGroup[];
  readonly containers: {
    readonly count: number;
    readonly by_state: readonly { state: string; count: number }[];
    readonly by_wait_reason: readonly { reason: string; count: number }[];
  };
  readonly limits: readonly HeldLimit[];
}

export interface FleetGroup {
  readonly state: string;
  readonly instance_type: string;
  readonly count: number;
  readonly hold: number;
  readonly drain: number;
  readonly price_per_hour: number;
}

export interface HeldLimit {
  readonly limit: string;
  readonly key?: string;
  readonly state: string;
  readonly until: string | null;
  readonly until_fewer_instances_than?: number | null;
  readonly reason: string;
}

/** A container as the dispatcher sees it. */
export interface DispatchedContainer {
  readonly container_uuid: string;
  readonly name: string;
  readonly state: string;
  readonly operation: string;
  readonly process: string;
  readonly priority: number | string;
  /** Digits, as its user gave it where that can be told. */
  readonly given_priority: string;
  readonly created_at: string;
  readonly processes: readonly { worker_id: string; instance_id: string; state: string }[];
  readonly scheduling_status: string;
  readonly rejection: string;
  readonly last_error: string;
}

export async function getStatus(
  connection: Connection,
  signal?: AbortSignal,
): Promise<DispatcherStatus> {
  const request = { path: "/dispatch/v1/status", token: "management" } as const;
  return (await callApi(connection, { ...request, ...(signal && { signal }) })) as DispatcherStatus;
}

export async function listDispatched(
  connection: Connection,
): Promise<readonly DispatchedContainer[]> {
  const path = "/dispatch/v1/containers";
  const answer = await callApi(connection, { path, token: "management" });
  return (answer as { items: DispatchedContainer[] }).items;
}

export async function listWorkers(
  connection: Connection,
): Promise<readonly { worker_id: string; state: string }[]> {
  const answer = await callApi(connection, { path: "/dispatch/v1/workers", token: "management" });
  return (answer as { items: { worker_id: string; state: string }[] }).items;
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

export interface AcceptedBreak {
  readonly cause: string;
  readonly at: string | null;
  readonly last_seq: number;
  readonly written_seq: number | null;
}

/** Takes note of what the journal lacks; what had not been noted before. */
export async function acceptJournal(
  connection: Connection,
  request: { readonly by: string; readonly reason: string },
): Promise<readonly AcceptedBreak[]> {
  const answer = await callApi(connection, {
    method: "POST",
    path: "/dispatch/v1/journal/accept",
    body: request,
    token: "management",
  });
  return (answer as { accepted: AcceptedBreak[] }).accepted;
}
