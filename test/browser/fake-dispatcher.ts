import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RecordView } from "../../src/http/wire/record.ts";
import type { StateAnswer } from "../../src/http/wire/state.ts";

const PAGE_DIR = fileURLToPath(new URL("../../dist/http/visualizer/", import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const API = "/dispatch/v1/";

/**
 * Answers the page as a dispatcher would, with what a test hands it: for states that no dispatcher gets into on demand
 * (hostile names, a stream that breaks, a fleet of any size). All else is tested on a real one.
 */
export class FakeDispatcher {
  readonly token = "fake-token";
  /** What was asked for by POST. */
  readonly posts: { path: string; body: unknown }[] = [];
  /** How often each path was asked for. */
  readonly gets: string[] = [];
  state: StateAnswer;
  explainText = "because the test says so";
  /** New streams are refused while it is true. */
  isDeaf = false;
  readonly #streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(state: StateAnswer) {
    this.state = state;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  get streamsCount(): number {
    return this.#streams.size;
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  send(...records: RecordView[]): void {
    const text = records.map((record) => eventText("record", record, record.seq)).join("");
    for (const stream of this.#streams) stream.write(text);
  }

  sendEvent(type: string, data: object): void {
    for (const stream of this.#streams) stream.write(eventText(type, data));
  }

  breakStreams(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://fake");
    if (!pathname.startsWith(API)) return sendFile(pathname, response);
    if (request.headers.authorization !== `Bearer ${this.token}`)
      return sendProblem(response, 403, "forbidden", "this is not the token");
    const path = pathname.slice(API.length);
    if (request.method === "POST") return this.#act(path, request, response);
    this.gets.push(`${path}${new URL(request.url ?? "/", "http://fake").search}`);
    if (path === "state") return sendJson(response, this.state);
    if (path === "events") return this.#stream(response);
    if (path === "timeline") return sendJson(response, this.#timeline());
    if (path.startsWith("explain/")) return sendJson(response, this.#explanation());
    sendProblem(response, 404, "unknown-endpoint", `there is nothing at ${path}`);
  }

  async #act(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request) body += String(piece);
    this.posts.push({ path, body: JSON.parse(body) });
    sendJson(response, { changed: true });
  }

  #stream(response: ServerResponse): void {
    if (this.isDeaf) return sendProblem(response, 503, "overloaded", "come back later");
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
    const { now, seq, alarms, read_only } = this.state;
    const status = { now, seq, supervisor: "dispatching", accepting: true, read_only, alarms };
    response.write(eventText("status", status));
  }

  #timeline(): object {
    const { bounds } = this.state;
    const nothing = { bins: [], workers: [], cost: 0, truncated: "" };
    return { bounds, from: bounds.first_at, to: bounds.last_at, ...nothing };
  }

  #explanation(): object {
    const because = [{ text: this.explainText, seq: 7, at: this.state.now, until: null }];
    return {
      kind: "worker",
      answer: { text: this.explainText, since: null, until: null, because },
      coverage: { as_of: this.state.now, missing: "" },
      known: true,
      steps: [],
      steps_omitted: 0,
    };
  }
}

function eventText(type: string, data: object, id?: number): string {
  const head = id === undefined ? "" : `id: ${id}\n`;
  return `event: ${type}\n${head}data: ${JSON.stringify(data)}\n\n`;
}

function sendFile(pathname: string, response: ServerResponse): void {
  const name = pathname === "/" ? "index.html" : pathname.slice(1);
  try {
    const bytes = readFileSync(join(PAGE_DIR, name));
    response.writeHead(200, {
      "Content-Type": TYPES[extname(name)] ?? "application/octet-stream",
      "Content-Security-Policy": CSP,
    });
    response.end(bytes);
  } catch {
    sendProblem(response, 404, "unknown-endpoint", `there is no file ${name}`);
  }
}

function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
}

function sendProblem(response: ServerResponse, status: number, code: string, detail: string): void {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ type: `urn:dispatch-cloud:problem:${code}`, status, detail }));
}
