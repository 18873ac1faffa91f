import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { Registry } from "prom-client";
import { onTestFinished } from "vitest";
import type { Clock } from "../../src/actors/clock.ts";
import type { FactInput } from "../../src/machines/model/fact.ts";
import { makeApp } from "../../src/http/app.ts";
import { FailedTokens } from "../../src/http/failed-tokens.ts";
import { listen } from "../../src/http/listen.ts";
import { listenCandidates } from "../../src/http/listen-address.ts";
import { makeOperatorFacts } from "../../src/http/operator-facts.ts";
import type { AppOptions } from "../../src/http/options.ts";
import { makeOwnRouter } from "../../src/http/own-api.ts";
import { Traffic, type TrafficOptions } from "../../src/http/traffic.ts";
import { makeServiceMetrics } from "../../src/telemetry/service-metrics.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { testView, type ViewChanges } from "./test-view.ts";

export const TOKEN = "abcdefgh";
export const OWN_KEY = "known-to-this-process-only";
const BEARER = { Authorization: `Bearer ${TOKEN}` };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Ask {
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** Default: with the management token. */
  readonly token?: "none";
}

export interface TestServer {
  readonly builder: CoreBuilder;
  readonly url: string;
  /** What operators asked for. */
  readonly facts: FactInput[];
  readonly log: { message: string; fields: Record<string, unknown> }[];
  readonly registry: Registry;
  readonly traffic: Traffic;
  /** `GET /dispatch/v1/status` and so on: all that the router of our own endpoints has. */
  readonly routes: readonly string[];
  ask(method: string, path: string, options?: Ask): Promise<Answer>;
  /** Bytes as they are; resolves with all that comes back until the server ends the connection. */
  send(bytes: string): Promise<string>;
  close(): Promise<void>;
}

type Changes = Partial<Omit<AppOptions, "view">> & {
  readonly limits?: Partial<Pick<TrafficOptions, "concurrentMax" | "queuedMax" | "tunnelsMax">>;
  /** Of what the page's endpoints show. */
  readonly view?: ViewChanges;
};

/** The app over a real socket, on a read model that is built by hand. Closed when the test ends. */
export async function openServer(
  builder = new CoreBuilder().dispatching(),
  { limits, view, ...changes }: Changes = {},
): Promise<TestServer> {
  const facts: FactInput[] = [];
  const log: TestServer["log"] = [];
  const note = (fields: object, message: string) => log.push({ message, fields: { ...fields } });
  const clock: Clock = {
    nowMs: () => builder.nowMs,
    setTimer: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
  const registry = new Registry();
  const metrics = makeServiceMetrics(registry, {
    version: "1.2.3",
    configSha256: "",
    configSourceAtMs: 0,
    configLoadedAtMs: 0,
  });
  const traffic = new Traffic({
    metrics,
    concurrentMax: 64,
    queuedMax: 128,
    tunnelsMax: 1000,
    nowMs: clock.nowMs,
    ...limits,
  });
  let requestsCount = 0;
  const options: AppOptions = {
    version: "1.2.3",
    readModel: builder.readModel,
    submit: async (fact) => {
      facts.push(fact);
      return builder.feed(fact).record !== undefined;
    },
    accepting: () => true,
    writable: () => true,
    managementToken: TOKEN,
    instanceTypes: () => builder.core.settings?.instanceTypes ?? {},
    metricsText: async () => "# metrics\n",
    metricsJson: async () => "[]\n",
    health: async () => undefined,
    journalStats: () => ({
      id: "j1",
      formatVersion: 1,
      records: 7,
      batches: 3,
      firstSeq: 1,
      lastSeq: 7,
      firstAtMs: builder.nowMs,
      lastAtMs: null,
      bytes: 4096,
      checkpoints: 1,
      indexedSeq: 7,
    }),
    view: testView(builder, { clock, readOnly: changes.readOnly ?? false, ...view }),
    alarms: () => [],
    onStop: async () => {},
    queueTokens: [],
    ownKey: OWN_KEY,
    acceptJournal: async () => [],
    hosts: ["dispatcher.example.org"],
    failedTokens: new FailedTokens({ nowMs: clock.nowMs, delayMaxMs: 1 }),
    readOnly: false,
    clock,
    makeRequestId: () => `req-${++requestsCount}`,
    requestTimeoutMs: 0,
    traffic,
    log: { debug: note, info: note, warn: note, error: note },
    ...changes,
  };
  const app = makeApp(options);
  const { candidates } = listenCandidates({ "http://127.0.0.1:0/": { listenURL: "" } }, "");
  const listener = await listen(app, { candidates, clock });
  const { hostname, port } = new URL(listener.address);
  const close = () => listener.close(1_000);
  onTestFinished(close);
  return {
    builder,
    url: listener.address,
    facts,
    log,
    registry,
    traffic,
    routes: makeOwnRouter(options, makeOperatorFacts(options)).stack.flatMap(({ methods, path }) =>
      methods.filter((method) => method !== "HEAD").map((method) => `${method} ${String(path)}`),
    ),
    ask: (method, path, options) =>
      exchange({ hostname, port: Number(port), method, path }, options ?? {}),
    send: (bytes) => sendRaw(Number(port), bytes),
    close,
  };
}

/** Not `fetch`: the path goes out as it is, and a redirect comes back as one. */
function exchange(
  target: { hostname: string; port: number; method: string; path: string },
  { headers, body, token }: Ask,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { ...(token === "none" ? {} : BEARER), ...headers };
    const request = httpRequest({ ...target, headers: all, agent: false }, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string>,
          text,
        }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => (text += chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}
