import { formatSpan } from "../../../machines/model/amounts.ts";
import { randomBytes } from "node:crypto";
import { ArvadosError } from "./error.ts";
import { parseLossless } from "./json.ts";
import { makeLimiter } from "./limiter.ts";
import { encodeRequest, type EncodedRequest, type Params } from "./params.ts";
import { makeTransport, type Transport, type WireResponse } from "./transport.ts";

export interface ArvadosClientOptions {
  /** `Services.Controller.ExternalURL`: scheme (default https) and host count, a path is ignored. */
  readonly baseUrl: string;
  readonly token: string;
  /** Accept any certificate (`TLS.Insecure`). */
  readonly insecure?: boolean | undefined;
  /** Connect to this host instead of the controller's, on the same port (`$ARVADOS_SERVER_ADDRESS`). */
  readonly dialAddress?: string | undefined;
  /** A Unix socket behind which the controller is, wherever its URL points: connections go there, one for each request. */
  readonly socketPath?: string | undefined;
  /** Deadline of each call, from asking to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Hard maximum of requests at once: `API.MaxConcurrentRequests / 4`; 0 or absent is none. */
  readonly concurrencyMax?: number | undefined;
  readonly nowMs: () => number;
  /** Sent to the controller with every request, and to nobody it redirects to. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: random, `req-` and 20 base36 characters. */
  readonly makeRequestId?: (() => string) | undefined;
  /** Called after every call, for logs and metrics. */
  readonly onResponse?: ((report: ResponseReport) => void) | undefined;
}

export interface ResponseReport {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly requestId: string;
  /** Null: no answer. */
  readonly status: number | null;
  readonly durationMs: number;
}

/** Talks to an Arvados controller (specification §3): one attempt per call; throws `ArvadosError`. */
export interface ArvadosClient {
  /**
   * Returns the decoded answer, null for 204. Integers beyond 2^53 come as strings of digits; a bigint in `params` is
   * sent as a plain integer. Who wants no result passes `select: ["uuid"]` to keep it small.
   */
  request(
    method: string,
    path: string,
    params?: Params,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<unknown>;
  /** When the API last answered 503; null if never. */
  last503AtMs(): number | null;
  /** Drops kept connections. */
  close(): void;
}

const REDIRECTS_MAX = 10;

export function makeArvadosClient(options: ArvadosClientOptions): ArvadosClient {
  const { nowMs, makeRequestId = randomRequestId } = options;
  const origin = parseBaseUrl(options.baseUrl);
  const limiter = makeLimiter({ limitMax: options.concurrencyMax ?? 0, nowMs });
  const transport = makeTransport({
    insecure: options.insecure ?? false,
    host: origin.host,
    dialAddress: options.dialAddress,
    socketPath: options.socketPath,
  });
  let last503AtMs: number | null = null;

  async function exchange(encoded: EncodedRequest, requestId: string, signal: AbortSignal) {
    const headers = { ...encoded.headers, "X-Request-Id": requestId };
    const secret = { ...options.headers, Authorization: `Bearer ${options.token}` };
    await limiter.acquire(signal);
    try {
      const response = await follow(transport, origin, { ...encoded, headers, secret }, signal);
      limiter.report(response.status);
      if (response.status === 503) last503AtMs = nowMs();
      return response;
    } finally {
      limiter.release();
    }
  }

  return {
    async request(method, path, params = {}, { signal } = {}) {
      const startedAtMs = nowMs();
      const requestId = makeRequestId();
      const encoded = encodeRequest(method, `/${path.replace(/^\/+/, "")}`, params);
      const url = new URL(encoded.path, origin).href;
      const deadline = startDeadline(options.timeoutMs, signal);
      let status: number | null = null;
      try {
        const response = await exchange(encoded, requestId, deadline.signal);
        status = response.status;
        return decode(url, response);
      } catch (error) {
        throw deadline.explain(method, url, error);
      } finally {
        deadline.clear();
        const durationMs = nowMs() - startedAtMs;
        options.onResponse?.({ method, path, requestId, status, durationMs });
      }
    },
    last503AtMs: () => last503AtMs,
    close: () => transport.close(),
  };
}

function randomRequestId(): string {
  const digits = BigInt(`0x${randomBytes(16).toString("hex")}`).toString(36);
  return `req-${digits.padStart(25, "0").slice(-20)}`;
}

function parseBaseUrl(baseUrl: string): URL {
  const text = baseUrl.includes("://") ? baseUrl : `https://${baseUrl}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    throw new TypeError(
      `the controller's URL ${JSON.stringify(baseUrl)} cannot be used: expected https://host[:port]`,
    );
  }
  return new URL(`${url.protocol}//${url.host}/`);
}

/** Follows redirects; a call that changes something only where the server says that it may be sent again as it is. */
async function follow(
  transport: Transport,
  origin: URL,
  encoded: EncodedRequest & { readonly secret: EncodedRequest["headers"] },
  signal: AbortSignal,
): Promise<WireResponse> {
  const { method, body, secret } = encoded;
  let url = new URL(encoded.path, origin);
  for (let hop = 0; ; hop++) {
    // A token is for the controller only, wherever it sends us.
    const isController = url.origin === origin.origin;
    const headers = isController ? { ...encoded.headers, ...secret } : encoded.headers;
    const response = await transport.exchange({ method, url, headers, body, signal });
    const followed = method === "GET" ? [301, 302, 303, 307, 308] : [307, 308];
    const next = followed.includes(response.status) ? target(response, url) : undefined;
    if (!next || hop >= REDIRECTS_MAX) return response;
    url = next;
  }
}

function target(response: WireResponse, from: URL): URL | undefined {
  const { location } = response;
  if (location === undefined || !URL.canParse(location, from.href)) return undefined;
  const url = new URL(location, from);
  return url.protocol === "https:" || url.protocol === "http:" ? url : undefined;
}

function decode(url: string, response: WireResponse): unknown {
  const { status, statusLine, text } = response;
  if (status === 204) return null;
  if (status !== 200) {
    const errors = errorsOf(text);
    const message = `request failed: ${url}: ${statusLine}: ${errors.join("; ")}`;
    throw new ArvadosError("status", message, { status, errors });
  }
  try {
    return parseLossless(text);
  } catch (error) {
    const message = `request failed: ${url}: ${statusLine}: the response is no JSON: ${(error as Error).message}`;
    throw new ArvadosError("decode", message, { status, cause: error });
  }
}

function errorsOf(text: string): string[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    return Array.isArray(errors) ? errors.map(String) : [];
  } catch {
    // A proxy's page or nothing: the status line has to do.
    return [];
  }
}

function startDeadline(timeoutMs: number, signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  const onAbort = () => controller.abort();
  if (signal?.aborted) controller.abort();
  signal?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
    /** What went wrong, in the words of specification §3. */
    explain(method: string, url: string, error: unknown): ArvadosError {
      if (error instanceof ArvadosError) return error;
      const given = `${method} ${url} giving up after 1 attempt(s)`;
      if (signal?.aborted)
        return new ArvadosError("aborted", `${given}: aborted`, { cause: error });
      if (controller.signal.aborted) {
        const message = `${given}: no complete answer within ${formatSpan(timeoutMs)}`;
        return new ArvadosError("timeout", message, { cause: error });
      }
      const reason = error instanceof Error ? reasonOf(error) : String(error);
      return new ArvadosError("network", `${given}: ${reason}`, { cause: error });
    },
  };
}

/** A failed connect to a name with several addresses is an AggregateError without a message. */
function reasonOf(error: Error & { code?: string }): string {
  if (error.message !== "") return error.message;
  const inner = error instanceof AggregateError ? (error.errors as Error[]) : [];
  return inner.map((each) => each.message).join("; ") || (error.code ?? error.name);
}
