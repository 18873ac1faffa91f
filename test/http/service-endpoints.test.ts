import { describe, expect, it } from "vitest";
import { describeScenarios } from "../drivers/scenarios.ts";
import { openServer, TOKEN } from "./test-server.ts";

const PING = "/_health/ping";

describeScenarios("http.health.json", {
  runs: {
    "arv.health.1": async ({ given, then }) => {
      const server = await openServer(undefined, { managementToken: given.ManagementToken });
      const answer = await server.ask("GET", PING, {
        headers: { Authorization: given.authorization },
      });
      expect(answer.status).toBe(then.asserted.status);
      expect(answer.text).toBe(then.derived.body);
    },
    "arv.health.override": async ({ given, then }) => {
      let pings = 0;
      const server = await openServer(undefined, {
        managementToken: given.ManagementToken,
        health: async () => (pings++ === 0 ? undefined : "the runner binary cannot be read"),
      });
      for (const expected of then.asserted) {
        const headers = { Authorization: given.authorization };
        const answer = await server.ask("GET", PING, { headers });
        expect(answer.status).toBe(expected.status);
        const { health, error } = JSON.parse(answer.text);
        expect(health).toBe(expected.health);
        if (expected.error) expect(error).not.toBe("");
      }
    },
  },
});

describe("GET /_health/ping", () => {
  it("is told apart by what is wrong with the token", async () => {
    const server = await openServer();
    const ping = (authorization?: string) =>
      server.ask("GET", PING, {
        token: "none",
        ...(authorization === undefined ? {} : { headers: { Authorization: authorization } }),
      });
    expect(await ping()).toMatchObject({ status: 401, text: "authorization required\n" });
    for (const wrong of ["Bearer x", TOKEN, `OAuth2 ${TOKEN}`, `bearer ${TOKEN}`])
      expect(await ping(wrong)).toMatchObject({ status: 403, text: "authorization error\n" });
    const closed = await openServer(undefined, { managementToken: "" });
    expect(await closed.ask("GET", PING)).toMatchObject({ status: 404, text: "disabled\n" });
  });

  it("says in its body why the service is not healthy, with status 200", async () => {
    const server = await openServer(undefined, { health: async () => "no" });
    expect(await server.ask("GET", PING)).toMatchObject({
      status: 200,
      text: '{"error":"no","health":"ERROR"}\n',
    });
  });

  it("is the only check", async () => {
    const server = await openServer();
    expect((await server.ask("GET", "/_health/db")).status).toBe(404);
    expect(await server.ask("POST", PING)).toMatchObject({
      status: 405,
      headers: { allow: "GET, OPTIONS" },
    });
  });
});

describe("the metrics", () => {
  it("are open to a token, in whatever way it comes, and to nobody else", async () => {
    const server = await openServer();
    for (const path of ["/metrics", "/metrics.json"]) {
      expect((await server.ask("GET", path, { token: "none" })).status).toBe(401);
      expect((await server.ask("GET", `${path}?api_token=x`, { token: "none" })).status).toBe(403);
      expect(
        (await server.ask("GET", `${path}?api_token=${TOKEN}`, { token: "none" })).status,
      ).toBe(200);
    }
    const text = await server.ask("GET", "/metrics");
    expect(text).toMatchObject({
      text: "# metrics\n",
      headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
    });
    expect((await server.ask("GET", "/metrics.json")).headers["content-type"]).toBe(
      "application/json",
    );
    expect(await server.ask("HEAD", "/metrics")).toMatchObject({ status: 200, text: "" });
  });

  it("are open to all where there is no ManagementToken, and nothing else is", async () => {
    const server = await openServer(undefined, { managementToken: "" });
    expect((await server.ask("GET", "/metrics", { token: "none" })).status).toBe(200);
    for (const path of ["/", "/metrics/", "/_inspect/requests", "/dispatch/v1/status"]) {
      const answer = await server.ask("GET", path, { headers: { Authorization: "Bearer " } });
      expect([path, answer.status]).toEqual([path, path.startsWith("/_inspect") ? 401 : 403]);
    }
  });

  it("measure the requests, and not themselves", async () => {
    const server = await openServer();
    await server.ask("GET", "/nowhere");
    await server.ask("GET", "/metrics");
    await expect
      .poll(async () => {
        server.traffic.refresh();
        return server.registry.metrics();
      })
      .toMatch(/arvados_concurrent_requests\{queue="api"\} 0/);
    const text = await server.registry.metrics();
    expect(text).toContain('request_duration_seconds_count{code="404",method="get"} 1');
    expect(text).not.toContain('code="200"');
    expect(text).toContain('arvados_max_concurrent_requests{queue="api"} 64');
    expect(text).toContain('arvados_queued_requests{queue="api",priority="low"} 0');
  });
});

describe("GET /_inspect/requests", () => {
  it("lists what is being served, the youngest first, and shows no token", async () => {
    let finish = (): void => {};
    const held = new Promise<void>((resolve) => (finish = resolve));
    const server = await openServer(undefined, { onStop: () => held });
    const post = (n: number) =>
      server.ask("POST", `/dispatch/v1/stop?n=${n}&api%5Ftoken=hush&api_token=hush2`, {
        headers: { "X-Request-Id": `mine-${n}`, "X-Forwarded-For": "10.1.2.3" },
      });
    const first = post(1);
    await expect.poll(() => server.log.map(({ message }) => message)).toContain("stop requested");
    server.builder.nowMs += 1_500;
    const second = post(2);
    await expect
      .poll(() => server.log.filter(({ message }) => message === "stop requested"))
      .toHaveLength(2);
    const { text, headers } = await server.ask("GET", "/_inspect/requests");
    const listed = JSON.parse(text) as Record<string, unknown>[];
    expect(headers["content-type"]).toBe("application/json");
    expect(listed.map(({ RequestID, Elapsed }) => [RequestID, Elapsed])).toEqual([
      ["mine-2", 0],
      ["mine-1", 1.5],
    ]);
    expect(listed.at(-1)).toMatchObject({
      Method: "POST",
      Host: new URL(server.url).host,
      URL: "/dispatch/v1/stop?n=1&api%5Ftoken=[hidden]&api_token=[hidden]",
      XForwardedFor: "10.1.2.3",
      RemoteAddr: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
    finish();
    await Promise.all([first, second]);
    expect(JSON.stringify(server.log)).not.toContain("hush");
  });

  it("wants exactly the Bearer token", async () => {
    const server = await openServer();
    for (const headers of [{}, { Authorization: `OAuth2 ${TOKEN}` }]) {
      const answer = await server.ask("GET", "/_inspect/requests", { token: "none", headers });
      expect(answer).toMatchObject({ status: 401, text: '{"errors":["unauthorized"]}\n' });
    }
  });
});
