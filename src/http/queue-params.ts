import { QueueStoreError, type ListQuery } from "../drivers/queue/embedded/port.ts";

/** `JSON.parse` that keeps integers beyond 2^53 as strings of digits. */
export type ParseJson = (text: string) => unknown;

/** Query string, then body: a form, or the members of a JSON object. */
export type ApiParams = ReadonlyMap<string, unknown>;

const DEFAULT_LIMIT = 100;
/** As Arvados' `API.MaxItemsPerResponse`. */
const LIMIT_MAX = 1000;

export interface RawRequest {
  readonly query: string;
  /** "" for none. */
  readonly body: string;
  readonly isJson: boolean;
}

function invalid(message: string): QueueStoreError {
  return new QueueStoreError(422, [message]);
}

/** Throws `QueueStoreError`: 400 for a body that is no JSON object. */
export function readParams({ query, body, isJson }: RawRequest, parseJson: ParseJson): ApiParams {
  const params = new Map<string, unknown>(new URLSearchParams(query));
  if (body === "") return params;
  const given = isJson ? readJsonBody(body, parseJson) : new URLSearchParams(body);
  for (const [name, value] of given) params.set(name, value);
  return params;
}

function readJsonBody(body: string, parseJson: ParseJson): [string, unknown][] {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch (error) {
    const message = `the request body is not valid JSON: ${(error as Error).message}`;
    throw new QueueStoreError(400, [message], { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new QueueStoreError(400, ["the request body must be a JSON object"]);
  }
  return Object.entries(value);
}

/** A parameter that is JSON text in a form, and may be a value in a JSON body. */
function readJson(value: unknown, name: string, parseJson: ParseJson): unknown {
  if (typeof value !== "string") return value;
  try {
    return parseJson(value);
  } catch (error) {
    const reason = (error as Error).message;
    throw new QueueStoreError(422, [`Could not parse "${name}" param: ${reason}`], {
      cause: error,
    });
  }
}

/** The record that an update or a submission carries, under its resource's name. */
export function readRecord(params: ApiParams, name: string, parseJson: ParseJson): unknown {
  const record = readJson(params.get(name), name, parseJson);
  if (typeof record === "object" && record !== null && !Array.isArray(record)) return record;
  throw invalid(`No ${name} hash provided with request`);
}

/** Null: all attributes. */
export function readSelect(params: ApiParams, parseJson: ParseJson): string[] | null {
  const given = params.get("select");
  if (given === undefined || given === null || given === "") return null;
  const select = readJson(given, "select", parseJson);
  if (isTexts(select)) return select;
  throw invalid(`Could not parse "select" param: expected a list of attributes`);
}

export function readListQuery(params: ApiParams, parseJson: ParseJson): ListQuery {
  const filters = readJson(params.get("filters") || "[]", "filters", parseJson);
  if (!Array.isArray(filters)) throw invalid(`Could not parse "filters" param as an array`);
  const count = params.get("count") ?? "exact";
  if (count !== "none" && count !== "exact") {
    throw invalid(`Invalid value for count parameter: expected "none" or "exact"`);
  }
  return {
    filters,
    order: readOrder(params, parseJson),
    select: readSelect(params, parseJson),
    limit: Math.min(readCount(params, "limit", DEFAULT_LIMIT), LIMIT_MAX),
    offset: readCount(params, "offset", 0),
    count: count === "exact",
  };
}

/** `uuid`, `priority desc, uuid` or a JSON list of such. */
function readOrder(params: ApiParams, parseJson: ParseJson): string[] {
  const given = params.get("order") ?? [];
  if (typeof given === "string" && !given.startsWith("[")) {
    return given.split(",").filter((term) => term.trim() !== "");
  }
  const order = readJson(given, "order", parseJson);
  if (isTexts(order)) return order;
  throw invalid(`Could not parse "order" param: expected a list of attributes`);
}

function readCount(params: ApiParams, name: string, absent: number): number {
  const value = params.get(name) ?? absent;
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text === "string" && /^\d{1,12}$/.test(text)) return Number(text);
  throw invalid(`Invalid value for ${name} parameter: expected a number from 0`);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
