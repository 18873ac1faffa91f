import type { z } from "zod";
import { formatSpan } from "../machines/model/amounts.ts";
import { parseLossless } from "../drivers/queue/arvados/json.ts";
import { makeTransport, type WireResponse } from "../drivers/queue/arvados/transport.ts";
import type { Connection } from "./connection.ts";
import { CliError } from "./exit-code.ts";

const TIMEOUT_MS = 30_000;

export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PUT";
  /** From the root, with its query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** `root` for the queue's API, `management` for the dispatcher's own. */
  readonly token: "management" | "root";
  /** Another base than the first of the connection's addresses. */
  readonly url?: string;
  readonly signal?: AbortSignal;
}

/** The dispatcher does not answer at all. */
export class NoAnswerError extends CliError {}

/** It answered that it will not. */
export class RefusedError extends CliError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** One request. Throws `NoAnswerError`, `RefusedError`; never shows a token. Integers beyond 2^53 come as digits. */
export async function callApi(connection: Connection, request: ApiRequest): Promise<unknown> {
  const response = await exchange(connection, request);
  if (response.status < 200 || response.status > 299) {
    const { method = "GET", path } = request;
    const [route = path] = path.split("?");
    throw new RefusedError(
      `${method} ${route}: ${response.statusLine}: ${errorTextOf(response)}${adviceFor(response, connection)}`,
      response.status,
    );
  }
  if (response.text.trim() === "") return undefined;
  try {
    return parseLossless(response.text);
  } catch (error) {
    throw new CliError(
      `${request.path}: the answer is no JSON: ${response.text.slice(0, 200)}; does another program listen there?`,
      { cause: error },
    );
  }
}

/** The same, for an answer of a known form. Throws `CliError` also where it has another. */
export async function readApi<T>(
  connection: Connection,
  request: ApiRequest,
  schema: z.ZodType<T>,
): Promise<T> {
  const { data, error } = schema.safeParse(await callApi(connection, request));
  if (error === undefined) return data;
  const [issue] = error.issues;
  const [route] = request.path.split("?");
  throw new CliError(
    `${route}: the answer is not as expected: ${issue?.path.join(".")}: ${issue?.message}; ` +
      "does another version listen there?",
  );
}

/** The answer as it is. Throws `NoAnswerError`. */
export async function exchange(connection: Connection, request: ApiRequest): Promise<WireResponse> {
  const [base] = connection.urls;
  const url = new URL(request.path, request.url ?? base);
  const token = request.token === "root" ? connection.systemRootToken : connection.managementToken;
  const transport = makeTransport({
    insecure: connection.config.tls.insecure,
    host: url.host,
    dialAddress: undefined,
  });
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const { body, signal } = request;
  try {
    return await transport.exchange({
      method: request.method ?? "GET",
      url,
      headers: {
        ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NoAnswerError(noAnswerText(url, error as NodeJS.ErrnoException, timeout.aborted), {
      cause: error,
    });
  } finally {
    transport.close();
  }
}

function noAnswerText(url: URL, error: NodeJS.ErrnoException, timedOut: boolean): string {
  const start = "start it with dispatch-cloud run --config FILE";
  if (timedOut)
    return `the dispatcher at ${url.origin} did not answer within ${formatSpan(TIMEOUT_MS)}`;
  if (error.code === "ECONNREFUSED") return `no dispatcher answers at ${url.origin}; ${start}`;
  return `no dispatcher answers at ${url.origin} (${error.message}); ${start}`;
}

/** Of problem+json, of the drop-in endpoints' `errors`, or of plain text. */
function errorTextOf({ text, statusLine }: WireResponse): string {
  try {
    const json = JSON.parse(text) as { detail?: unknown; title?: unknown; errors?: unknown };
    const { detail, title, errors } = json;
    if (Array.isArray(errors)) return errors.map(String).join("; ");
    if (typeof detail === "string") return detail;
    if (typeof title === "string") return title;
  } catch {
    // Plain text.
  }
  return text.trim().slice(0, 500) || statusLine;
}

function adviceFor({ status }: WireResponse, { isEmbedded, dataDir }: Connection): string {
  if (status !== 401 && status !== 403) return "";
  return isEmbedded
    ? ` (its tokens are those of the config, or else those that it keeps in ${dataDir}/tokens.json)`
    : " (its tokens are ManagementToken and SystemRootToken of the config)";
}
