import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Koa from "koa";
import {
  makeArvadosClient,
  type ArvadosClientOptions,
} from "../../../src/drivers/queue/arvados/client.ts";
import { parseLossless } from "../../../src/drivers/queue/arvados/json.ts";
import { openQueueStore } from "../../../src/drivers/queue/embedded/store.ts";
import { makeQueueRoutes } from "../../../src/http/queue-routes.ts";

export const TOKEN = "the-system-root-token";

export interface Served {
  readonly baseUrl: string;
  readonly server: Server;
  close(): Promise<void>;
}

export async function serve(listener: RequestListener): Promise<Served> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function makeClient(baseUrl: string, options: Partial<ArvadosClientOptions> = {}) {
  return makeArvadosClient({
    baseUrl,
    token: TOKEN,
    timeoutMs: 10_000,
    nowMs: () => Date.now(),
    ...options,
  });
}

/** Each instant is later than the one before, so that ages differ. */
export function makeCountingClock(startMs = Date.parse("2026-01-02T03:04:05Z")) {
  let nowMs = startMs;
  return { nowMs: () => (nowMs += 1) };
}

export async function serveEmbedded({ attemptsMax = 5 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "queue-"));
  const path = join(folder, "queue.db");
  const store = openQueueStore({
    path,
    clusterId: "zzzzz",
    attemptsMax,
    nowMs: makeCountingClock().nowMs,
  });
  const app = new Koa();
  app.silent = true;
  const routes = makeQueueRoutes({
    store,
    tokens: [TOKEN, "", "another-token"],
    rootToken: TOKEN,
    parseJson: parseLossless,
  });
  app.use(routes.routes());
  const handle = app.callback();
  const served = await serve((request, response) => void handle(request, response));
  const client = makeClient(served.baseUrl);
  return {
    ...served,
    store,
    path,
    client,
    async close() {
      client.close();
      await served.close();
      store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  /** Of the query or of the form. */
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, unknown>>;
}

export type Reply = { status?: number; headers?: Record<string, string>; body?: unknown };

/** A server that answers by script and remembers what it was asked. */
export async function serveScript(reply: (request: RecordedRequest) => Reply | Promise<Reply>) {
  const requests: RecordedRequest[] = [];
  const served = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const url = new URL(request.url ?? "", "http://x");
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const recorded = {
        method: request.method ?? "",
        path: url.pathname,
        params: { ...Object.fromEntries(url.searchParams), ...Object.fromEntries(form) },
        headers: request.headers,
      };
      requests.push(recorded);
      void Promise.resolve(reply(recorded)).then(({ status = 200, headers = {}, body = {} }) => {
        response.writeHead(status, { "Content-Type": "application/json", ...headers });
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      });
    });
  });
  return { ...served, requests };
}
