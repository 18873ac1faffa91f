import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Koa from "koa";
import { Registry } from "prom-client";
import { expect, onTestFinished } from "vitest";
import { makeSystemClock } from "../../src/actors/clock.ts";
import { keepRequestDump } from "../../src/cli/daemon/request-dump.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { HttpState } from "../../src/http/context.ts";
import { limitRequests, queueOf } from "../../src/http/limiter.ts";
import { listen } from "../../src/http/listen.ts";
import { listenCandidates } from "../../src/http/listen-address.ts";
import { prepareRequests } from "../../src/http/prepare.ts";
import { answerErrors } from "../../src/http/answer-errors.ts";
import { logRequests } from "../../src/http/request-log.ts";
import { Traffic } from "../../src/http/traffic.ts";
import { VirtualClock } from "../../src/simulator/virtual-clock.ts";
import { makeServiceMetrics } from "../../src/telemetry/service-metrics.ts";
import { describeScenarios, type Scenario } from "../drivers/scenarios.ts";
import { hasOpenssl, makeCertificate } from "../support/certificate.ts";
import { openServer } from "./test-server.ts";

const clock = makeSystemClock();
const UUID = "zzzzz-dz642-000000000000001";
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A port that was free a moment ago. */
async function unusedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

/** The entries as the config loader hands them on, or what it says against them. */
function loadUrls(entries: Record<string, string>) {
  const InternalURLs = Object.fromEntries(
    Object.entries(entries).map(([url, ListenURL]) => [url, { ListenURL }]),
  );
  const cluster = { Services: { DispatchCloud: { InternalURLs } } };
  const { config, findings } = loadConfig(JSON.stringify({ Clusters: { zzzzz: cluster } }), {
    env: {},
    sourceName: "test",
    host: { cpus: 1, ramBytes: 1, tmpBytes: 1 },
  });
  const errors = findings.filter(({ severity }) => severity === "error");
  return { urls: config?.services.dispatchCloud.internalURLs ?? {}, errors };
}

async function listenAddress({ given, then }: Scenario): Promise<void> {
  const port = await unusedPort();
  const fill = (text: string): string => text.replaceAll(":P/", `:${port}/`);
  const entries = Object.entries(given.InternalURLs_to_ListenURL as Record<string, string>);
  const { urls, errors } = loadUrls(
    Object.fromEntries(entries.map((pair) => pair.map(fill) as [string, string])),
  );
  const { listen: url, internal, error_regex: refused, warning_contains } = then.asserted;
  if (String(refused).includes("invalid port")) {
    // Told before the start: the config loader refuses such a URL, and names its path.
    expect(errors.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      expect.stringMatching(/InternalURLs.*ListenURL: .*:1234567.*expected a URL/),
    ]);
    return;
  }
  const wanted = (given.ARVADOS_SERVICE_INTERNAL_URL ?? "") as string;
  const { candidates, warning } = listenCandidates(urls, wanted);
  if (warning_contains) expect(warning).toContain(warning_contains);
  else expect(warning).toBeUndefined();
  if (refused) return expectRefusal(candidates, refused);
  const { protocol, hostname, port: listenPort } = new URL(fill(url));
  expect(candidates[0]).toMatchObject({
    host: hostname,
    port: Number(listenPort) || { "http:": 80, "https:": 443 }[protocol],
    isTls: protocol === "https:",
  });
  expect(new URL(candidates[0]?.url ?? "").href).toBe(fill(internal));
  if (!url.includes(":P/")) return;
  const listener = await listen(new Koa<HttpState>(), { candidates, clock });
  await listener.close(0);
  expect(listener.address).toBe(`http://127.0.0.1:${port}`);
}

type Candidates = ReturnType<typeof listenCandidates>["candidates"];

async function expectRefusal(candidates: Candidates, refused: string): Promise<void> {
  const port = /:(80|443): bind/.exec(refused)?.[1];
  // Tests may run as root, which may bind any port: what it would try is what counts.
  if (port) return expect(candidates.map((each) => each.port)).toEqual([Number(port)]);
  const service = refused.replace("<service>", "arvados-dispatch-cloud");
  await expect(listen(new Koa<HttpState>(), { candidates, clock })).rejects.toThrow(service);
}

/** An app whose requests are answered when all of them may be. */
async function busyApp(traffic: Traffic) {
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => (finish = resolve));
  const app = new Koa<HttpState>();
  let requestsCount = 0;
  const makeRequestId = (): string => `req-${++requestsCount}`;
  app.use(answerErrors(quiet));
  app.use(prepareRequests("1.2.3", makeRequestId));
  app.use(logRequests({ clock, log: quiet, traffic }));
  app.use(limitRequests(traffic));
  app.use(async (ctx) => {
    await held;
    ctx.body = "ok";
  });
  const { candidates } = listenCandidates({ "http://127.0.0.1:0/": { listenURL: "" } }, "");
  const listener = await listen(app, { candidates, clock });
  onTestFinished(() => listener.close(1_000));
  return { url: listener.address, finish };
}

async function requestLimits({ given, then }: Scenario): Promise<void> {
  const registry = new Registry();
  const identity = { version: "", configSha256: "", configSourceAtMs: 0, configLoadedAtMs: 0 };
  const traffic = new Traffic({
    metrics: makeServiceMetrics(registry, identity),
    concurrentMax: given.MaxConcurrentRequests,
    queuedMax: given.MaxQueuedRequests,
    tunnelsMax: given.MaxGatewayTunnels,
    nowMs: () => clock.nowMs(),
  });
  const { url, finish } = await busyApp(traffic);
  const post = (path: string) => fetch(url + path, { method: "POST" });
  const ask = (count: number, path: string) => Array.from({ length: count }, () => post(path));
  const api = ask(given.requests, "/testpath");
  const tunnels = ask(given.tunnel_requests, `/arvados/v1/connect/${UUID}/gateway_tunnel`);
  const { asserted } = then;
  let refusedCount = 0;
  for (const tunnel of tunnels)
    void tunnel.then(({ status }) => (refusedCount += Number(status === 503)));
  await expect.poll(() => refusedCount, { timeout: 10_000 }).toBe(asserted.tunnel_503);
  await expect.poll(() => traffic.limiter.stats().queued.normal).toBe(1);
  await expect.poll(() => traffic.requests.list(0).length).toBe(25 + asserted.tunnel_200);
  traffic.refresh();
  const metrics = await registry.metrics();
  for (const [series, value] of Object.entries(asserted.metrics_while_busy)) {
    const [name = "", labels = ""] = series.replace("}", "").split("{");
    const line = new RegExp(`^${name}\\{(.*)\\} ${Number(value)}$`, "m").exec(metrics);
    expect(line?.[1]?.split(",").sort()).toEqual(labels.split(",").sort());
  }
  await expectDump(traffic, given.requests);
  finish();
  const statuses = async (answers: Promise<Response>[]) =>
    (await Promise.all(answers)).map(({ status }) => status);
  const countOf = (all: number[], status: number) => all.filter((each) => each === status).length;
  const [apiStatuses, tunnelStatuses] = [await statuses(api), await statuses(tunnels)];
  expect([countOf(apiStatuses, 200), countOf(apiStatuses, 503)]).toEqual([
    asserted.api_200,
    asserted.api_503,
  ]);
  expect([countOf(tunnelStatuses, 200), countOf(tunnelStatuses, 503)]).toEqual([
    asserted.tunnel_200,
    asserted.tunnel_503,
  ]);
}

async function expectDump(traffic: Traffic, count: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "dump-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const virtual = new VirtualClock(0);
  const end = keepRequestDump({ directory, traffic, clock: virtual, log: quiet });
  onTestFinished(end);
  await virtual.run({ untilMs: 60_000 });
  const path = join(directory, "arvados-dispatch-cloud-requests.json");
  const listed = JSON.parse(readFileSync(path, "utf8")) as { URL: string }[];
  expect(listed.filter(({ URL }) => URL === "/testpath")).toHaveLength(count);
}

function getOverTls(url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { rejectUnauthorized: false }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on("error", reject);
  });
}

describeScenarios("service.json", {
  runs: {
    "arv.service.listen_address.*": listenAddress,
    "arv.service.request_limits": async (scenario) => {
      await requestLimits(scenario);
      // Reachable while busy: the layers for it stand outside of the limiter.
      const server = await openServer(undefined, { limits: { concurrentMax: 1, queuedMax: 0 } });
      server.traffic.limiter.enter(0);
      expect((await server.ask("GET", "/arvados/v1/dispatch/instances")).status).toBe(503);
      expect((await server.ask("GET", "/_inspect/requests")).status).toBe(200);
      expect((await server.ask("GET", "/metrics")).status).toBe(200);
    },
    "arv.service.tls": async ({ then }) => {
      const app = new Koa<HttpState>();
      app.use((ctx) => (ctx.body = "ok"));
      const { candidates } = listenCandidates({ "https://127.0.0.1:0/": { listenURL: "" } }, "");
      const tls = makeCertificate("localhost");
      const listener = await listen(app, { candidates, clock, tls });
      onTestFinished(() => listener.close(0));
      expect(await getOverTls(listener.address)).toEqual(then.asserted);
    },
    "arv.service.tunnel_path.*": ({ given, then }) => {
      const path = (given.path as string).replace("U", UUID);
      expect(queueOf("POST", path) === "tunnel").toBe(then.asserted);
      expect(queueOf("GET", path)).not.toBe("tunnel");
    },
  },
  skips: {
    "arv.service.command":
      "legacy NodeProfiles and services other than the dispatcher have no place here; that nothing is served before the start is complete is tested with the daemon (test/e2e)",
    ...(hasOpenssl ? {} : { "arv.service.tls": "openssl is not installed" }),
  },
});
