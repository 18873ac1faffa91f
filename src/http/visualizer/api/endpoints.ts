import type { ContainerActionAnswer, WorkerActionAnswer } from "../../wire/actions.ts";
import type { ActorAnswer, HistoryAnswer } from "../../wire/actor.ts";
import type { ExplanationAnswer } from "../../wire/explanation.ts";
import type { RecordAnswer, RecordsAnswer } from "../../wire/record.ts";
import type { StateAnswer } from "../../wire/state.ts";
import type { TimelineAnswer } from "../../wire/timeline.ts";
import type { ApiClient } from "./api-client.ts";

export type WorkerAction = "hold" | "drain" | "run" | "kill";
export type ContainerAction = "cancel" | "kill";

/** `at` is a record's number or an instant. */
export function getState(api: ApiClient, at = "", signal?: AbortSignal): Promise<StateAnswer> {
  return api.get<StateAnswer>(`state${query({ at })}`, signal);
}

/** Records from number `from` on, at most 500. */
export function getRecords(api: ApiClient, from: number, limit = 200): Promise<RecordsAnswer> {
  return api.get<RecordsAnswer>(`records${query({ from: `${from}`, limit: `${limit}` })}`);
}

/** One record with its cause chain, as far as it concerns the actor, and what the daemon logged of it. */
export function getRecord(api: ApiClient, seq: number, actor = ""): Promise<RecordAnswer> {
  return api.get<RecordAnswer>(`records/${seq}${query({ actor })}`);
}

/** `id`: of a worker, an instance or a container, or `supervisor`, `quota`, `throttle`, `capacity:KEY`. */
export function getActor(api: ApiClient, id: string, at = ""): Promise<ActorAnswer> {
  return api.get<ActorAnswer>(`actors/${encodeURIComponent(id)}${query({ at })}`);
}

export function getHistory(
  api: ApiClient,
  id: string,
  range: { readonly from?: string; readonly to?: string; readonly noise?: boolean } = {},
): Promise<HistoryAnswer> {
  const { from = "", to = "", noise = false } = range;
  const search = query({ from, to, noise: noise ? "1" : "0" });
  return api.get<HistoryAnswer>(`actors/${encodeURIComponent(id)}/history${search}`);
}

export function getTimeline(
  api: ApiClient,
  range: { readonly from?: string; readonly to?: string; readonly bins?: number } = {},
): Promise<TimelineAnswer> {
  const { from = "", to = "", bins } = range;
  return api.get<TimelineAnswer>(`timeline${query({ from, to, bins: bins ? `${bins}` : "" })}`);
}

/** As things stood after a record; null: as they stand now. */
export function getExplanation(
  api: ApiClient,
  id: string,
  seq: number | null,
  signal?: AbortSignal,
): Promise<ExplanationAnswer> {
  const at = query({ at: seq === null ? "" : `${seq}` });
  return api.get<ExplanationAnswer>(`explain/${encodeURIComponent(id)}${at}`, signal);
}

export function actOnWorker(
  api: ApiClient,
  id: string,
  action: WorkerAction,
  reason: string,
): Promise<WorkerActionAnswer> {
  return api.post<WorkerActionAnswer>(`workers/${encodeURIComponent(id)}/${action}`, { reason });
}

export function actOnContainer(
  api: ApiClient,
  uuid: string,
  action: ContainerAction,
  reason: string,
): Promise<ContainerActionAnswer> {
  const path = `containers/${encodeURIComponent(uuid)}/${action}`;
  return api.post<ContainerActionAnswer>(path, { reason });
}

/** Members that are "" are left out. */
function query(members: Readonly<Record<string, string>>): string {
  const filled = Object.entries(members).filter(([, value]) => value !== "");
  return filled.length === 0 ? "" : `?${new URLSearchParams(filled).toString()}`;
}
