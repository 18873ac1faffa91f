import Router from "@koa/router";
import { describe, expect, it } from "vitest";
import { CoreBuilder } from "../support/core-builder.ts";
import { openServer, TOKEN } from "./test-server.ts";

const INSTANCES = "/arvados/v1/dispatch/instances";

/** One request that stays until `finish` is called. */
function holdStop() {
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => (finish = resolve));
  return { onStop: () => held, finish: () => finish() };
}

describe("every answer", () => {
  it("carries a request id: the client's, if it can stand in a line, or a new one", async () => {
    const server = await openServer();
    const idFor = async (id: string) => {
      const answer = await server.ask("GET", INSTANCES, { headers: { "X-Request-Id": id } });
      return answer.headers["x-request-id"];
    };
    expect(await idFor("mine-1")).toBe("mine-1");
    expect(await idFor("two words")).toBe("req-1");
    expect(await idFor("x".repeat(129))).toBe("req-2");
    expect((await server.ask("GET", INSTANCES)).headers["server"]).toBe("dispatch-cloud/1.2.3");
  });

  it("is logged with the request, without a token in it", async () => {
    const server = await openServer();
    await server.ask("GET", `${INSTANCES}?api_token=hush&x=1`, {
      token: "none",
      headers: { Origin: "http://page", "X-Forwarded-For": "10.1.2.3" },
    });
    await expect
      .poll(() => server.log.map(({ message }) => message))
      .toEqual(["request", "response"]);
    const [request, response] = server.log.map(({ fields }) => fields);
    expect(request).toEqual({
      RequestID: "req-1",
      remoteAddr: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      reqForwardedFor: "10.1.2.3",
      reqMethod: "GET",
      reqHost: new URL(server.url).host,
      reqPath: "arvados/v1/dispatch/instances",
      reqQuery: "api_token=[hidden]&x=1",
      reqBytes: 0,
    });
    expect(response).toEqual({
      ...request,
      respStatusCode: 403,
      respStatus: "Forbidden",
      respBytes: 9,
      timeTotal: 0,
      timeToStatus: 0,
      timeWriteBody: 0,
      priority: 1,
      queue: "strangers",
      respBody: "Forbidden",
    });
  });
});

describe("the embedded queue's routes", () => {
  it("are served beside the others, by tokens of their own", async () => {
    const queueRoutes = new Router({ prefix: "/arvados/v1", sensitive: true });
    queueRoutes.use((ctx, next) => {
      ctx.set("X-Queue", "yes");
      return next();
    });
    queueRoutes.get("/containers", (ctx) => {
      ctx.body = "queue";
    });
    const server = await openServer(undefined, { queueRoutes });
    const open = { token: "none" } as const;
    expect(await server.ask("GET", "/arvados/v1/containers", open)).toMatchObject({
      text: "queue",
    });
    expect(await server.ask("PUT", "/arvados/v1/containers", open)).toMatchObject({
      status: 405,
      headers: { allow: "GET, HEAD, OPTIONS" },
    });
    expect((await server.ask("GET", "/arvados/v1/others", open)).status).toBe(401);
    for (const path of ["/ARVADOS/V1/CONTAINERS/x", "/arvados/v1/CONTAINERS"]) {
      const answer = await server.ask("GET", path);
      expect([path, answer.status, answer.text]).toEqual([
        path,
        404,
        expect.stringMatching(/nothing at/),
      ]);
    }
    const instances = await server.ask("GET", INSTANCES);
    expect(instances.status).toBe(200);
    expect(instances.headers["x-queue"]).toBeUndefined();
  });
});

describe("the limiter", () => {
  it("lets requests wait their turn, those of a browser first, and refuses the least important", async () => {
    const { onStop, finish } = holdStop();
    const server = await openServer(undefined, {
      onStop,
      limits: { concurrentMax: 1, queuedMax: 1 },
    });
    const { limiter } = server.traffic;
    const first = server.ask("POST", "/dispatch/v1/stop");
    await expect.poll(() => limiter.stats().running).toBe(1);
    const second = server.ask("GET", INSTANCES);
    await expect.poll(() => limiter.stats().queued.normal).toBe(1);
    const third = server.ask("GET", INSTANCES, { headers: { Origin: "http://page" } });
    const refused = await second;
    expect(refused).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
    expect(JSON.parse(refused.text).errors).toHaveLength(1);
    expect(limiter.stats()).toEqual({ running: 1, queued: { low: 0, normal: 0, high: 1 } });
    const fourth = await server.ask("GET", INSTANCES);
    expect(fourth.status).toBe(503);
    expect((await server.ask("GET", "/_health/ping")).status).toBe(200);
    expect((await server.ask("GET", "/metrics")).status).toBe(200);
    finish();
    expect((await first).status).toBe(202);
    expect((await third).status).toBe(200);
    await expect.poll(() => limiter.stats().running).toBe(0);
    const metrics = await server.registry.metrics();
    expect(metrics).toContain('arvados_queue_delay_seconds_count{queue="api",priority="high"} 1');
    expect(metrics).toContain(
      'arvados_queue_timeout_seconds_count{queue="api",priority="normal"} 2',
    );
  });

  it("forgets a request whose client has gone, in the queue and in its turn", async () => {
    const { onStop, finish } = holdStop();
    const server = await openServer(undefined, {
      onStop,
      limits: { concurrentMax: 1, queuedMax: 5 },
    });
    const { limiter } = server.traffic;
    const leave = (method: string, path: string) => {
      const control = new AbortController();
      const headers = { Authorization: `Bearer ${TOKEN}` };
      const { signal } = control;
      const gone = fetch(server.url + path, { method, headers, signal }).catch(() => "gone");
      return { gone, abort: () => control.abort() };
    };
    const turn = leave("POST", "/dispatch/v1/stop");
    await expect.poll(() => limiter.stats().running).toBe(1);
    const queued = leave("GET", INSTANCES);
    await expect.poll(() => limiter.stats().queued.normal).toBe(1);
    queued.abort();
    await expect.poll(() => limiter.stats().queued.normal).toBe(0);
    turn.abort();
    await expect.poll(() => limiter.stats().running).toBe(0);
    expect([await turn.gone, await queued.gone]).toEqual(["gone", "gone"]);
    server.builder.nowMs += 2_000;
    server.traffic.refresh();
    expect(await server.registry.metrics()).toContain(
      "arvados_max_abandoned_request_age_seconds 2",
    );
    finish();
    await expect.poll(() => server.traffic.requests.list(0)).toEqual([]);
  });
});

describe("the deadline of a request", () => {
  it("answers for what takes too long, and lets it go on", async () => {
    const { onStop, finish } = holdStop();
    const server = await openServer(undefined, { onStop, requestTimeoutMs: 20 });
    const answer = await server.ask("POST", "/dispatch/v1/stop");
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
    expect(JSON.parse(answer.text).detail).toMatch(/within 20ms .* may still come about/);
    finish();
    expect((await server.ask("GET", INSTANCES)).status).toBe(200);
  });
});

describe("hostile input", () => {
  const builder = () => new CoreBuilder().dispatching().instance("i-1", "type1");
  const auth = `Host: x\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n`;

  it("gets a clear answer in the request line, and never a stack", async () => {
    const server = await openServer(builder());
    const sent: [string, RegExp][] = [
      [`GET /arvados/%ff%zz HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 400 .*percent-encoded/s],
      [`GET /dispatch/v1/%E0%A4%A HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 400 .*problem\+json/s],
      [`GET http://other${INSTANCES} HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 200 .*"i-1"/s],
      [`GET http://[::1 HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 (400|404) /],
      [`OPTIONS * HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 404 /],
      [`BREW ${INSTANCES} HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 400 /],
      [`CONNECT example.org:443 HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 405 /],
      [`GET /${"x".repeat(20_000)} HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 431 /],
      ["\x16\x03\x01\x02\x00\x01\r\n\r\n", /^HTTP\/1\.1 400 /],
      [`GET ${INSTANCES} HTTP/1.1\r\n${auth}X-Request-Id: a\rb\r\n\r\n`, /^HTTP\/1\.1 400 /],
      [`GET ${INSTANCES} HTTP/1.1\r\n${auth}X-Request-Id: \xe9\r\n\r\n`, /^HTTP\/1\.1 200 /],
      [
        `GET /arvados//v1/dispatch/instances?%0d%0aX:%20y HTTP/1.1\r\n${auth}\r\n`,
        /Location: \/arvados\/v1\/dispatch\/instances\?%0d%0aX:%20y\r\n/,
      ],
    ];
    for (const [bytes, expected] of sent) {
      const answer = await server.send(bytes);
      expect(answer).toMatch(expected);
      expect(answer).not.toMatch(/\bat .*\.[jt]s:\d+/);
    }
    expect(server.log.filter(({ message }) => message === "request failed")).toEqual([]);
  });

  it("gets a clear answer in forms, and changes nothing", async () => {
    const server = await openServer(builder());
    const path = `${INSTANCES}/hold`;
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    const multipart = { "Content-Type": "multipart/form-data" };
    const answers = await Promise.all([
      server.ask("POST", path, { headers: form, body: `x=${"a".repeat(70_000)}` }),
      server.ask("POST", path, { headers: form, body: "instance_id=%zz" }),
      server.ask("POST", `${path}?instance_id=%ff`),
      server.ask("POST", path, { headers: multipart, body: "nonsense" }),
      server.ask("POST", path, {
        headers: { ...form, "Content-Encoding": "gzip" },
        body: "no gzip",
      }),
      server.ask("POST", path, { headers: form, body: "instance_id[a]=i-1&instance_id[]=i-1" }),
      server.ask("POST", `${path}?instance_id=__proto__`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([413, 400, 400, 400, 400, 400, 404]);
    expect(answers[0]?.headers["connection"]).toBe("close");
    for (const { text } of answers)
      expect(JSON.parse(text)).toEqual({ errors: [expect.stringMatching(/^\P{Cc}+$/u)] });
    expect(server.facts).toEqual([]);
  });

  it("does not come through with an empty token", async () => {
    const server = await openServer(builder());
    for (const headers of [
      { Authorization: "Bearer " },
      { Authorization: "Basic" },
      { Authorization: "Basic !!!" },
      { Cookie: "arvados_api_token=" },
    ]) {
      const answer = await server.ask("GET", INSTANCES, { token: "none", headers });
      expect([401, 403]).toContain(answer.status);
    }
    expect((await server.ask("GET", `${INSTANCES}?api_token=`, { token: "none" })).status).toBe(
      403,
    );
  });
});
