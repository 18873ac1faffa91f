import { stringifyLossless } from "./json.ts";

export type Params = Readonly<Record<string, unknown>>;

/** Longer query strings are sent as a form (specification §3). */
const QUERY_BYTES_MAX = 1000;

/**
 * The form encoding of specification §3: keys sorted, arrays and objects as JSON text; `false`, null, undefined and an `offset`
 * of 0 are left out.
 */
export function encodeParams(params: Params): string {
  const form = new URLSearchParams();
  for (const key of Object.keys(params).sort()) {
    const value = params[key];
    if (value === undefined || value === null || value === false) continue;
    if (key === "offset" && value === 0) continue;
    form.append(key, typeof value === "string" ? value : stringifyLossless(value));
  }
  return form.toString();
}

export interface EncodedRequest {
  readonly method: string;
  /** With the query string, if any. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** How a call looks on the wire: a GET that is too long for a query string becomes a POST that says it is a GET. */
export function encodeRequest(method: string, path: string, params: Params): EncodedRequest {
  const form = encodeParams(params);
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  if (method !== "GET" && method !== "HEAD") return { method, path, headers, body: form };
  if (form.length < QUERY_BYTES_MAX) {
    return { method, path: form === "" ? path : `${path}?${form}`, headers, body: undefined };
  }
  return {
    method: "POST",
    path,
    headers: { ...headers, "X-Http-Method-Override": method },
    body: form,
  };
}
