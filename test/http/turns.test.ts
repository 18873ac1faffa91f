import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Alarms } from "../../src/cli/daemon/alarms.ts";
import { health } from "../../src/cli/daemon/health.ts";
import { OWN_KEY_HEADER } from "../../src/http/identify.ts";
import { openServer, OWN_KEY, TOKEN, type TestServer } from "./test-server.ts";

const STATUS = "/dispatch/v1/status";
const CONTAINER = "/arvados/v1/containers/zzzzz-dz642-000000000000001";
const QUEUES = ["api", "own", "runners", "strangers"] as const;
const WITH_TOKEN = { Authorization: `Bearer ${TOKEN}` };

/** Requests that stay until `finish` is called. */
function holdStop() {
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => (finish = resolve));
  return { onStop: () => held, finish: () => finish() };
}

/** One connection that is fed in bursts and never read from. */
function flood(server: TestServer, bursts: readonly string[]): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1", () => {
      const next = ([burst, ...rest]: readonly string[]): void => {
        if (burst === undefined || socket.destroyed) return resolve(socket);
        socket.write(burst);
        setTimeout(() => next(rest), 20);
      };
      next(bursts);
    });
    // The server may cut it off, which is its right.
    socket.on("error", () => resolve(socket));
    socket.setTimeout(10_000, () => reject(new Error("the connection hangs")));
    socket.pause();
  });
}

function pipelined(path: string, headers: Record<string, string>, counts: number[]): string[] {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${path} HTTP/1.1\r\nHost: x\r\n${lines.join("")}\r\n`;
  return counts.map((count) => request.repeat(count));
}

/** Nothing is in flight, and nothing waits. That a client has gone may show at the next write only: of an event stream, after 5 s. */
async function expectQuiet(server: TestServer): Promise<void> {
  await expect
    .poll(
      () => ({
        running: QUEUES.map((queue) => server.traffic.limiterOf(queue).stats().running),
        queued: QUEUES.map((queue) => server.traffic.limiterOf(queue).stats().queued.normal),
        requests: server.traffic.requests.list(server.builder.nowMs).length,
      }),
      { timeout: 15_000 },
    )
    .toEqual({ running: QUEUES.map(() => 0), queued: QUEUES.map(() => 0), requests: 0 });
}

describe("the turns of requests whose connection closes", () => {
  const attacks: [string, string, Record<string, string>][] = [
    ["the page, by nobody", "/", {}],
    ["the status, by nobody", STATUS, {}],
    ["the status, with the token", STATUS, WITH_TOKEN],
    ["a large answer, with the token", "/dispatch/v1/openapi.json", WITH_TOKEN],
    ["a state in pieces, with the token", "/dispatch/v1/state", WITH_TOKEN],
    ["the events, with the token", "/dispatch/v1/events", WITH_TOKEN],
    ["the queue's records, by nobody", CONTAINER, {}],
  ];
  it.each(attacks)("come back: pipelined requests for %s", async (_name, path, headers) => {
    const server = await openServer();
    for (let round = 0; round < 3; round++) {
      const socket = await flood(server, pipelined(path, headers, [65, 200, 200, 200]));
      socket.destroy();
    }
    await expectQuiet(server);
    expect((await server.ask("GET", STATUS)).status).toBe(200);
    server.traffic.refresh();
    const metrics = await server.registry.metrics();
    expect(metrics).toContain('arvados_concurrent_requests{queue="api"} 0');
    expect(metrics).toContain("arvados_max_active_request_age_seconds 0");
    expect(metrics).toContain("arvados_max_abandoned_request_age_seconds 0");
  });

  it("come back of event streams, of which 64 may be open", async () => {
    const server = await openServer();
    const events = pipelined("/dispatch/v1/events", WITH_TOKEN, [64]);
    (await flood(server, events)).destroy();
    await expectQuiet(server);
    const socket = await flood(server, pipelined("/dispatch/v1/events", WITH_TOKEN, [1]));
    socket.resume();
    const text = await new Promise<string>((resolve) =>
      socket.once("data", (chunk: Buffer) => resolve(chunk.toString())),
    );
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("turns that others cannot take", () => {
  it("are those of the token's holders, while strangers hold all of theirs", async () => {
    const { onStop, finish } = holdStop();
    const server = await openServer(undefined, { onStop });
    const strangers = server.traffic.limiterOf("strangers");
    for (let n = 0; n < 48; n++) strangers.enter(0);
    expect((await server.ask("GET", STATUS, { token: "none" })).status).toBe(503);
    expect((await server.ask("GET", STATUS)).status).toBe(200);
    expect(await server.ask("GET", "/_health/ping")).toMatchObject({ text: '{"health":"OK"}\n' });
    expect(server.traffic.trouble()).toBeUndefined();
    finish();
  });

  it("are those of the daemon and of its runners, while the token's holders hold all of theirs", async () => {
    const { onStop, finish } = holdStop();
    const server = await openServer(undefined, {
      onStop,
      limits: { concurrentMax: 2, queuedMax: 0 },
    });
    const held = [1, 2].map(() => server.ask("POST", "/dispatch/v1/stop"));
    await expect.poll(() => server.traffic.limiter.stats().running).toBe(2);
    expect((await server.ask("GET", STATUS)).status).toBe(503);
    // There is no queue here: that the management API refuses the path tells that the turn came.
    expect((await server.ask("PUT", CONTAINER)).status).toBe(404);
    const own = { headers: { [OWN_KEY_HEADER]: OWN_KEY } };
    expect((await server.ask("GET", STATUS, own)).status).toBe(200);
    const wrong = { headers: { [OWN_KEY_HEADER]: `${OWN_KEY}x` } };
    expect((await server.ask("GET", STATUS, wrong)).status).toBe(503);
    const keyOnly = { headers: { [OWN_KEY_HEADER]: OWN_KEY }, token: "none" as const };
    expect((await server.ask("GET", STATUS, keyOnly)).status).toBe(401);
    finish();
    await Promise.all(held);
  });

  it("are not taken by bodies that come slowly, whoever sends them", async () => {
    const server = await openServer(undefined, { limits: { concurrentMax: 2, queuedMax: 0 } });
    const head = (path: string, headers: object) =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n` +
      Object.entries(headers)
        .map(([name, value]) => `${name}: ${String(value)}\r\n`)
        .join("");
    const json = { "Content-Type": "application/json" };
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    const slow = [
      head("/dispatch/v1/stop", { ...WITH_TOKEN, ...json }),
      head("/arvados/v1/dispatch/instances/hold", { ...WITH_TOKEN, ...form }),
      head("/dispatch/v1/stop", json),
    ];
    const sockets = await Promise.all(
      Array.from({ length: 30 }, (_, n) => flood(server, [`${slow[n % 3]}\r\n{`])),
    );
    expect(server.traffic.limiter.stats().running).toBe(0);
    expect((await server.ask("GET", STATUS)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await expectQuiet(server);
  });
});

describe("GET /_health/ping", () => {
  const alarms = (queue = "") => {
    const made = new Alarms(() => 0);
    made.set("queue", queue);
    return made;
  };

  it("says ERROR while requests with a valid token are refused, and for some seconds after", async () => {
    const { onStop, finish } = holdStop();
    const server: TestServer = await openServer(undefined, {
      onStop,
      limits: { concurrentMax: 1, queuedMax: 0 },
      health: () =>
        health({
          runnerBinary: undefined,
          traffic: server.traffic,
          alarms: alarms(),
          isOwnQueue: true,
        }),
    });
    const ping = async () => JSON.parse((await server.ask("GET", "/_health/ping")).text) as object;
    const held = server.ask("POST", "/dispatch/v1/stop");
    await expect.poll(() => server.traffic.limiter.stats().running).toBe(1);
    // All turns are taken, and nobody was refused.
    expect(await ping()).toEqual({ health: "OK" });
    expect((await server.ask("GET", STATUS)).status).toBe(503);
    expect(await ping()).toEqual({
      error: expect.stringMatching(/valid token are refused.*MaxConcurrentRequests \(1\)/),
      health: "ERROR",
    });
    finish();
    await held;
    server.builder.nowMs += 10_000;
    expect(await ping()).toEqual({ health: "OK" });
  });

  it("says ERROR while the daemon cannot poll its own queue", async () => {
    const sources = { runnerBinary: undefined, traffic: { trouble: () => undefined } };
    const failing = { ...sources, alarms: alarms("503 Service Unavailable") };
    expect(await health({ ...failing, isOwnQueue: true })).toMatch(/polled: 503 Service/);
    // A controller that does not answer is told by its own health.
    expect(await health({ ...failing, isOwnQueue: false })).toBeUndefined();
    expect(await health({ ...sources, alarms: alarms(), isOwnQueue: true })).toBeUndefined();
  });
});
