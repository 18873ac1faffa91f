import { describe, expect, it } from "vitest";
import { containerId } from "../support/containers.ts";
import { WIRE_SCHEMAS } from "../../src/http/openapi.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { openServer, type Ask, type TestServer } from "./test-server.ts";

const JSON_TYPE = { "Content-Type": "application/json" };

async function post(server: TestServer, path: string, body?: unknown, options: Ask = {}) {
  const answer = await server.ask("POST", `/dispatch/v1${path}`, {
    headers: JSON_TYPE,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...options,
  });
  return { ...answer, json: JSON.parse(answer.text) };
}

async function get(server: TestServer, path: string) {
  const answer = await server.ask("GET", `/dispatch/v1${path}`);
  return { ...answer, json: JSON.parse(answer.text) };
}

function busyFleet(): CoreBuilder {
  const builder = new CoreBuilder().dispatching();
  builder.instance("i-1", "type1").instance("i/2", "type2", [containerId(2)]);
  return builder;
}

describe("the dispatcher's own endpoints", () => {
  it("take the token in the header only, and answer problems as problem+json", async () => {
    const server = await openServer();
    const open = await server.ask("GET", "/dispatch/v1/status?api_token=abcdefgh", {
      token: "none",
    });
    expect(open.status).toBe(401);
    expect(open.headers).toMatchObject({
      "content-type": "application/problem+json",
      "www-authenticate": "Bearer",
    });
    expect(JSON.parse(open.text)).toEqual({
      type: "urn:dispatch-cloud:problem:unauthorized",
      title: "Unauthorized",
      status: 401,
      detail: "send the ManagementToken: Authorization: Bearer TOKEN",
      request_id: "req-1",
    });
    const wrong = await server.ask("GET", "/dispatch/v1/x", {
      headers: { Authorization: "Bearer x" },
    });
    expect(wrong.status).toBe(403);
  });

  it("show on one screen what is going on", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.instance("i-1", "type1").instance("i-2", "type1").instance("i-3", "type2");
    const hold = { workerId: "i-2", behavior: "hold", reason: "" } as const;
    builder.feed({ type: "behavior.requested", ...hold });
    for (const n of [1, 2]) builder.container(containerId(n), { state: "Locked", vcpus: 8 });
    builder.plan();
    builder.createEnds({ code: "quota", message: "no more than 3" });
    builder.createEnds({ code: "capacity", message: "sold out", scope: "type" });
    const alarm = { alarm: "journal", message: "disk full", sinceMs: builder.nowMs };
    const server = await openServer(builder, { alarms: () => [alarm], accepting: () => false });
    const { json, status, headers } = await get(server, "/status");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/json");
    for (const [path, schema] of [
      ["/status", WIRE_SCHEMAS.Status],
      ["/workers", WIRE_SCHEMAS.Workers],
      ["/containers", WIRE_SCHEMAS.Containers],
    ] as const)
      expect(schema.safeParse((await get(server, path)).json).error?.message, path).toBeUndefined();
    const at = "2026-01-02T03:04:05.678Z";
    expect(json).toEqual({
      version: "1.2.3",
      now: at,
      state: "dispatching",
      started_at: "2026-01-02T03:03:50.678Z",
      stop_reason: "",
      accepting: false,
      read_only: false,
      scheduler: { max_containers: 0, instances_within_quota: 0, last_503_at: null },
      seq: builder.core.seq,
      journal: {
        id: "j1",
        records: 7,
        bytes: 4096,
        first_seq: 1,
        last_seq: 7,
        first_at: at,
        last_at: null,
        checkpoints: 1,
      },
      alarms: [{ alarm: "journal", message: "disk full", since: at }],
      price_per_hour: 0.123 + 0.123 + 0.246,
      workers: [
        {
          state: "idle",
          instance_type: "type1",
          count: 2,
          hold: 1,
          drain: 0,
          price_per_hour: 0.246,
        },
        {
          state: "idle",
          instance_type: "type2",
          count: 1,
          hold: 0,
          drain: 0,
          price_per_hour: 0.246,
        },
      ],
      containers: {
        count: 2,
        by_state: [{ state: "Locked", count: 2 }],
        by_wait_reason: [{ reason: "booting", count: 2 }],
      },
      limits: [
        {
          limit: "quota",
          state: "closedUntilFewer",
          until: null,
          until_fewer_instances_than: 4,
          reason: "no more than 3",
        },
        {
          limit: "capacity",
          key: "providertype8",
          state: "exhausted",
          until: "2026-01-02T03:05:05.678Z",
          reason: "sold out",
        },
      ],
    });
  });

  it("list workers with their processes, state and since when", async () => {
    const server = await openServer(busyFleet());
    server.builder.nowMs += 1_000;
    server.builder.feed({ type: "kill.requested", containerId: containerId(2), reason: "enough" });
    server.builder.container(containerId(1), { state: "Locked", vcpus: 8 }).plan();
    const { json } = await get(server, "/workers");
    expect(json.items.map((item: { instance_id: string }) => item.instance_id)).toEqual([
      "i-1",
      "i/2",
      "",
    ]);
    expect(json.items[1]).toMatchObject({
      worker_id: "i/2",
      state: "running",
      since: "2026-01-02T03:04:05.678Z",
      idle_behavior: "run",
      instance_type: "type2",
      price: 0.246,
      address: "10.0.0.1",
      idle_until: null,
      processes: [
        {
          container_uuid: containerId(2),
          state: "running",
          since: "2026-01-02T03:04:05.678Z",
          kill: { reason: "via management API: enough", given_up: false },
        },
      ],
    });
    expect(json.items[2]).toMatchObject({ state: "booting", lifecycle: "creating", price: 0.984 });
    expect(json.items[0].idle_until).toBe("2026-01-02T03:05:05.678Z");
  });

  it("list containers by state, with priorities beyond 2^53 and why they wait", async () => {
    const builder = busyFleet();
    builder.container(containerId(3), { priority: "9007199254740993" });
    builder.container(containerId(4), { state: "Running" }).plan();
    const server = await openServer(builder);
    const all = await get(server, "/containers");
    expect(all.json.items.map((item: { container_uuid: string }) => item.container_uuid)).toEqual([
      containerId(3),
      containerId(4),
      containerId(2),
    ]);
    const queued = await get(server, "/containers?state=Queued,Locked");
    expect(queued.text).toContain('"priority":9007199254740993');
    expect(queued.json.items).toHaveLength(1);
    expect(queued.json.items[0]).toMatchObject({
      container_uuid: containerId(3),
      state: "Queued",
      operation: "locking",
      instance_types: ["type1"],
      wait_reason: "atCapacity",
      waiting_since: "2026-01-02T03:04:05.678Z",
    });
    const unlisted = await get(server, "/containers?state=unlisted&state=Running");
    expect(unlisted.json.items.map((item: { process: string }) => item.process)).toEqual([
      "absent",
      "running",
    ]);
    const wrong = await get(server, "/containers?state=Finished");
    expect(wrong.status).toBe(400);
    expect(wrong.json.detail).toBe(
      'state: found "Finished", expected one of Queued, Locked, Running, Complete, Cancelled, unlisted',
    );
  });

  it("hold, drain, run and kill a worker by either of its ids", async () => {
    const server = await openServer(busyFleet());
    const id = encodeURIComponent("i/2");
    expect(await post(server, `/workers/${id}/hold`, { reason: "look" })).toMatchObject({
      status: 200,
      json: { worker_id: "i/2", instance_id: "i/2", request: "hold", changed: true },
    });
    expect((await post(server, `/workers/${id}/hold`)).json.changed).toBe(false);
    await post(server, "/workers/i-1/drain", {});
    await post(server, "/workers/i-1/run", undefined, { headers: {} });
    const killed = await post(server, `/workers/${id}/kill`, { reason: "broken" });
    expect(killed.json).toMatchObject({ request: "kill", changed: true });
    expect(server.facts.map((fact) => Object.values(fact))).toEqual([
      ["behavior.requested", "i/2", "hold", "look"],
      ["behavior.requested", "i/2", "hold", ""],
      ["behavior.requested", "i-1", "drain", ""],
      ["behavior.requested", "i-1", "run", ""],
      ["shutdown.requested", "i/2", "broken"],
    ]);
    const unknown = await post(server, "/workers/i-9/run", {});
    expect(unknown).toMatchObject({
      status: 404,
      json: { type: "urn:dispatch-cloud:problem:unknown-worker" },
    });
  });

  it("do not pretend to destroy what the cloud has not named yet", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.container(containerId(1), { state: "Locked" }).plan();
    const [worker] = [...builder.readModel.all("worker")];
    const server = await openServer(builder);
    const path = `/workers/${worker?.context.workerId}`;
    expect((await post(server, `${path}/kill`, {})).status).toBe(409);
    expect((await post(server, `${path}/drain`, {})).json).toMatchObject({ changed: true });
  });

  it("kill a container's processes, and tell the two reasons why not apart", async () => {
    const builder = busyFleet();
    builder.container(containerId(1));
    const server = await openServer(builder);
    const kill = (id: string) => post(server, `/containers/${id}/kill`, { reason: "why" });
    expect(await kill(containerId(2))).toMatchObject({ status: 202, json: { changed: true } });
    expect((await kill(containerId(1))).json.type).toMatch(/:no-process$/);
    expect((await kill("nobody")).json).toMatchObject({ status: 404, title: "Not Found" });
    expect(server.facts).toHaveLength(1);
  });

  it("cancel a container that waits or runs, and say why one cannot be cancelled", async () => {
    const builder = busyFleet();
    builder.container(containerId(1));
    builder.container(containerId(3), { state: "Complete" });
    builder.container(containerId(4), { priority: "0" });
    const server = await openServer(builder);
    const cancel = (id: string) => post(server, `/containers/${id}/cancel`, { reason: "why" });
    for (const waitsOrRuns of [containerId(1), containerId(2)])
      expect(await cancel(waitsOrRuns)).toMatchObject({
        status: 202,
        json: { container_uuid: waitsOrRuns, request: "cancel", changed: true },
      });
    expect((await cancel(containerId(1))).json).toMatchObject({ changed: false });
    expect((await cancel(containerId(3))).json.type).toMatch(/:already-ended$/);
    expect((await cancel(containerId(4))).json.type).toMatch(/:on-hold$/);
    expect((await cancel("nobody")).json.type).toMatch(/:unknown-container$/);
    const readOnly = await openServer(builder, { readOnly: true });
    expect((await post(readOnly, `/containers/${containerId(2)}/cancel`)).status).toBe(403);
  });

  it("stop, without drain also while the journal cannot be written", async () => {
    const stops: object[] = [];
    const onStop = async (stop: object) => void stops.push(stop);
    const server = await openServer(undefined, { onStop, writable: () => false });
    expect(await post(server, "/stop", { reason: "move" })).toMatchObject({
      status: 202,
      json: { request: "stop", drain: false },
    });
    const drain = await post(server, "/stop", { drain: true });
    expect(drain).toMatchObject({ status: 503, json: { status: 503 } });
    expect(drain.headers["retry-after"]).toBe("5");
    expect(stops).toEqual([{ drain: false, reason: "move" }]);
    const readOnly = await openServer(undefined, { onStop, readOnly: true });
    expect((await post(readOnly, "/stop")).status).toBe(403);
    expect((await post(readOnly, "/workers/i-1/kill")).status).toBe(404);
    expect((await get(readOnly, "/status")).json.read_only).toBe(true);
    expect(stops).toHaveLength(1);
  });

  it("refuse a body that is none of theirs, and name what is wrong", async () => {
    const server = await openServer(busyFleet());
    const path = "/workers/i-1/hold";
    const bodies: [Ask, number, RegExp][] = [
      [{ body: "{", headers: JSON_TYPE }, 400, /no JSON object/],
      [{ body: '"text"', headers: JSON_TYPE }, 400, /no JSON object/],
      [{ body: "[]", headers: JSON_TYPE }, 400, /body: .*object/],
      [{ body: '{"reason":5}', headers: JSON_TYPE }, 400, /^reason: .*string/],
      [{ body: '{"why":"x"}', headers: JSON_TYPE }, 400, /why/],
      [{ body: '{"reason":"a\\u001b[2J"}', headers: JSON_TYPE }, 400, /control characters/],
      [{ body: `{"reason":"${"a".repeat(1001)}"}`, headers: JSON_TYPE }, 400, /1000/],
      [{ body: `{"reason":"${"a".repeat(70_000)}"}`, headers: JSON_TYPE }, 413, /too large/],
      [{ body: "reason=x", headers: { "Content-Type": "text/plain" } }, 415, /must be JSON/],
      [{ body: '{"__proto__":{"x":1}}', headers: JSON_TYPE }, 400, /no JSON object/],
    ];
    for (const [options, status, detail] of bodies) {
      const answer = await post(server, path, undefined, options);
      expect([options.body?.slice(0, 50), answer.status]).toEqual([
        options.body?.slice(0, 50),
        status,
      ]);
      expect(answer.json.detail).toMatch(detail);
    }
    expect(server.facts).toEqual([]);
  });

  it("refuse a body in an encoding that nobody knows, as the client's fault", async () => {
    const server = await openServer();
    const headers = { "Content-Type": "application/json", "Content-Encoding": "zip" };
    const path = "/dispatch/v1/stop";
    const { status, text } = await server.ask("POST", path, { headers, body: "{}" });
    expect([status, JSON.parse(text).detail]).toEqual([415, "Unsupported Content-Encoding: zip"]);
    expect(server.log.map(({ message }) => message)).not.toContain("request failed");
  });

  it.each(["br", "gzip", "deflate"])(
    "refuse a body that is not in its encoding, %s",
    async (encoding) => {
      const server = await openServer();
      const headers = { "Content-Type": "application/json", "Content-Encoding": encoding };
      const { status, text } = await server.ask("POST", "/dispatch/v1/stop", {
        headers,
        body: "{",
      });
      expect([status, JSON.parse(text).detail]).toEqual([400, expect.stringContaining("encoding")]);
    },
  );

  it("say which methods a path has, and that others are unknown", async () => {
    const server = await openServer();
    const wrong = await server.ask("DELETE", "/dispatch/v1/status");
    expect(wrong).toMatchObject({ status: 405, headers: { allow: "GET, HEAD, OPTIONS" } });
    expect(JSON.parse(wrong.text).type).toMatch(/:method-not-allowed$/);
    const options = await server.ask("OPTIONS", "/dispatch/v1/workers/i-1/kill");
    expect(options).toMatchObject({ status: 200, headers: { allow: "OPTIONS, POST" } });
    expect((await server.ask("GET", "/dispatch/v1/nothing")).status).toBe(404);
    expect((await server.ask("GET", "/dispatch/v1")).status).toBe(404);
  });

  it("hide a bug behind a request id, and log it", async () => {
    const server = await openServer(undefined, {
      journalStats: () => {
        throw new Error("secret detail");
      },
    });
    const { status, text } = await get(server, "/status");
    expect(status).toBe(500);
    expect(text).toMatch(/request id req-1/);
    expect(text).not.toContain("secret detail");
    expect(server.log.map(({ message }) => message)).toContain("request failed");
  });
});
