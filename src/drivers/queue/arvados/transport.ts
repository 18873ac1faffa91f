import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";

export interface TransportOptions {
  /** Accept any certificate. */
  readonly insecure: boolean;
  /** The controller, `host:port` as in its URL. */
  readonly host: string;
  /** Where connections to the controller go instead (same port), as `$ARVADOS_SERVER_ADDRESS`. */
  readonly dialAddress: string | undefined;
  /** A Unix socket that stands for the controller. What it leads to are few connections, so none is kept. */
  readonly socketPath?: string | undefined;
}

export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

export interface WireResponse {
  readonly status: number;
  /** `422 Unprocessable Entity` */
  readonly statusLine: string;
  readonly location: string | undefined;
  readonly text: string;
}

/** One request over a kept connection. Throws what node throws: the client gives it a meaning. */
export interface Transport {
  exchange(request: WireRequest): Promise<WireResponse>;
  close(): void;
}

/** A list page has about 550 bytes a container and at most 1,000 of them. */
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;

export function makeTransport(options: TransportOptions): Transport {
  const http = new HttpAgent({ keepAlive: options.socketPath === undefined });
  const https = new HttpsAgent({ keepAlive: true, rejectUnauthorized: !options.insecure });
  const send = async (request: WireRequest): Promise<WireResponse> => {
    try {
      return await exchangeOnce(request, options, request.url.protocol === "https:" ? https : http);
    } catch (error) {
      // Not a retry of a call: a kept connection that the server had closed meanwhile has carried nothing.
      if (isStale(error) && request.method === "GET" && !request.signal.aborted) {
        return send(request);
      }
      throw error;
    }
  };
  return {
    exchange: send,
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

class StaleConnectionError extends Error {}

/** Ends after as many rounds as there are kept connections: a fresh one is never stale. */
function isStale(error: unknown): boolean {
  return error instanceof StaleConnectionError;
}

function exchangeOnce(
  request: WireRequest,
  options: TransportOptions,
  agent: HttpAgent,
): Promise<WireResponse> {
  const { url, body, signal } = request;
  const isController = url.host === options.host;
  const dial = isController ? options.dialAddress : undefined;
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve, reject) => {
    const make = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = make({
      agent,
      method: request.method,
      ...(isController && options.socketPath !== undefined
        ? { socketPath: options.socketPath }
        : {}),
      host: dial ?? hostname,
      port: url.port === "" ? undefined : Number(url.port),
      path: url.pathname + url.search,
      headers: {
        ...request.headers,
        Host: url.host,
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
      },
      // A certificate names hosts, not addresses.
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      signal,
    });
    let answered = false;
    outgoing.on("response", (response) => {
      answered = true;
      readAll(response).then((text) => {
        resolve({
          status: response.statusCode ?? 0,
          statusLine: `${response.statusCode ?? 0} ${response.statusMessage ?? ""}`.trimEnd(),
          location: response.headers.location,
          text,
        });
      }, reject);
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      const stale = outgoing.reusedSocket && !answered && error.code === "ECONNRESET";
      reject(stale ? new StaleConnectionError(error.message, { cause: error }) : error);
    });
    outgoing.end(body);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > RESPONSE_BYTES_MAX) {
      throw new Error(`the response is longer than ${RESPONSE_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  if (!response.complete)
    throw new Error("the connection was closed in the middle of the response");
  return Buffer.concat(chunks).toString("utf8");
}
