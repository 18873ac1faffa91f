import { describe, expect, it } from "vitest";
import { describeScenarios, type Scenario } from "../drivers/scenarios.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { openServer, type Ask } from "./test-server.ts";

const BASE = "/arvados/v1/dispatch";

function fleet(): CoreBuilder {
  return new CoreBuilder().dispatching().instance("i-1", "type1").instance("i-2", "type2");
}

/** `POST /path` as the scenarios write it. */
function requestOf({ when }: Scenario): [string, string] {
  const [method = "", path = ""] = when.split(" ");
  return [method, path];
}

async function runAuth(scenario: Scenario): Promise<void> {
  const { given, then } = scenario;
  const server = await openServer(fleet(), { managementToken: given.ManagementToken });
  const [method, path] = requestOf(scenario);
  const token = given.ManagementToken as string;
  const headers: Record<string, Ask> = {
    "Authorization: OAuth2 T": { headers: { Authorization: `OAuth2 ${token}` } },
    "Authorization: Basic base64(any:T)": {
      headers: { Authorization: `Basic ${Buffer.from(`any:${token}`).toString("base64")}` },
    },
    "query api_token=T": {},
    "cookie arvados_api_token=base64url(T)": {
      headers: { Cookie: `arvados_api_token=${Buffer.from(token).toString("base64url")}` },
    },
  };
  const ask = headers[given.credential as string];
  if (!ask) throw new Error(`unknown credential ${given.credential}`);
  const query = (given.credential as string).startsWith("query") ? `?api_token=${token}` : "";
  const answer = await server.ask(method, path + query, { token: "none", ...ask });
  expect(answer.status).toBe(then.status);
  const wrong = await server.ask(method, path, { headers: { Authorization: "OAuth2 other" } });
  expect(wrong.status).toBe(403);
}

async function runError(scenario: Scenario): Promise<void> {
  const { given, then } = scenario;
  const server = await openServer(fleet());
  const [method, path] = requestOf(scenario);
  const query = (given.query as string).replace(" (exists)", "");
  const answer = await server.ask(method, `${path}?${query}`);
  expect(answer).toMatchObject({ status: then.status, text: then.body });
}

describeScenarios("http.management.json", {
  runs: {
    "arv.api.disabled.2": async ({ then }) => {
      const server = await openServer(fleet(), { managementToken: "" });
      const answer = await server.ask("GET", `${BASE}/instances`, { token: "none" });
      expect(answer.status).toBe(then.asserted.status);
      expect(answer.text).toBe(then.derived.body);
    },
    "arv.api.instances": async ({ then }) => {
      const server = await openServer();
      const list = async () => {
        const { status, text } = await server.ask("GET", `${BASE}/instances`);
        expect(status).toBe(200);
        return JSON.parse(text).items as Record<string, unknown>[] | null;
      };
      expect((await list()) ?? []).toHaveLength(then.asserted.items_before);
      server.builder.container(containerId(1)).plan();
      server.builder.feed({
        type: "operation.succeeded",
        commandId: "c",
        containerId: containerId(1),
        operation: "lock",
        state: "Locked",
        priority: null,
      });
      server.builder.plan();
      expect(await list()).toMatchObject([
        { instance: "", address: "", running_container_uuids: null, worker_state: "booting" },
      ]);
      server.builder.createEnds("inst1");
      const [{ instance, ...expected }] = then.asserted.items;
      const [view] = (await list()) ?? [];
      expect(view).toMatchObject(expected);
      expect(view?.["instance"]).toMatch(new RegExp((instance as string).replace("regex ", "")));
    },
    "drv.api.errors.*": runError,
    "drv.api.auth.*": runAuth,
  },
});

describe("the management API", () => {
  it("asks for a token before it tells whether a path exists", async () => {
    const server = await openServer(fleet());
    for (const path of [`${BASE}/instances`, "/nowhere", `${BASE}/instances/`]) {
      const answer = await server.ask("GET", path, { token: "none" });
      expect([path, answer.status, answer.text]).toEqual([path, 401, "Unauthorized"]);
      const wrong = await server.ask("GET", `${path}?api_token=x`, { token: "none" });
      expect([path, wrong.status, wrong.text]).toEqual([path, 403, "Forbidden"]);
    }
    expect(await server.ask("GET", "/nowhere")).toMatchObject({
      status: 404,
      text: "404 page not found",
    });
  });

  it("lists instances with every member in the original's order", async () => {
    const uuids = [containerId(2), containerId(1)];
    const builder = new CoreBuilder().dispatching();
    builder.instance("i-2", "type2", uuids).instance("i-1", "type1");
    const server = await openServer(builder);
    const { text, headers } = await server.ask("GET", `${BASE}/instances`);
    const when = "2026-01-02T03:04:05.678Z";
    expect(text).toBe(
      `{"items":[` +
        `{"instance":"i-1","address":"10.0.0.1","price":0.123,"arvados_instance_type":"type1","provider_instance_type":"providertype1","last_container_uuid":"","last_busy":"${when}","running_container_uuids":[],"worker_state":"idle","idle_behavior":"run"},` +
        `{"instance":"i-2","address":"10.0.0.1","price":0.246,"arvados_instance_type":"type2","provider_instance_type":"providertype2","last_container_uuid":"${containerId(1)}","last_busy":"${when}","running_container_uuids":["${containerId(1)}","${containerId(2)}"],"worker_state":"running","idle_behavior":"run"}` +
        `]}\n`,
    );
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
  });

  it("lists nothing as null, and a pending create with the zero time", async () => {
    const server = await openServer(new CoreBuilder());
    expect((await server.ask("GET", `${BASE}/instances`)).text).toBe('{"items":null}\n');
    expect((await server.ask("GET", `${BASE}/containers`)).text).toBe('{"items":null}\n');
    const { builder } = server;
    builder.dispatching();
    expect((await server.ask("GET", `${BASE}/containers`)).text).toBe('{"items":[]}\n');
    builder.container(containerId(1), { state: "Locked" }).plan();
    const { items } = JSON.parse((await server.ask("GET", `${BASE}/instances`)).text);
    expect(items).toMatchObject([
      { instance: "", last_busy: "0001-01-01T00:00:00Z", price: 0.123 },
    ]);
  });

  it("gives a container entry all members of the record, unknown ones zero", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.container(containerId(1), { priority: "9223372036854775807", supervisor: true });
    builder.nowMs += 322;
    builder.container(containerId(2), { priority: "5" }).plan();
    const server = await openServer(builder);
    const { text, status } = await server.ask(
      "GET",
      `${BASE}/container?container_uuid=${containerId(1)}`,
    );
    expect(status).toBe(200);
    expect(text).toBe(
      `{"container":{"uuid":"${containerId(1)}","etag":"","created_at":"2026-01-02T03:04:05.678Z","modified_by_user_uuid":"","modified_at":"0001-01-01T00:00:00Z","command":null,"container_image":"","cwd":"","environment":null,"locked_by_uuid":"","lock_count":0,"mounts":null,"output":"","output_path":"","output_glob":null,"priority":9223372036854775807,"runtime_constraints":{"API":false,"ram":1073741824,"vcpus":1,"keep_cache_ram":0,"keep_cache_disk":0,"gpu":{"stack":"","driver_version":"","hardware_target":null,"device_count":0,"vram":0}},"state":"Queued","scheduling_parameters":{"partitions":null,"preemptible":false,"max_run_time":0,"supervisor":true},"exit_code":0,"runtime_status":null,"started_at":null,"finished_at":null,"gateway_address":"","interactive_session_started":false,"output_storage_classes":null,"runtime_user_uuid":"","runtime_auth_scopes":null,"runtime_token":"","auth_uuid":"","log":"","cost":0,"subrequests_cost":0,"service":false,"published_ports":null},` +
        `"instance_resources":{"VCPUs":1,"RAM":1130254551,"Scratch":0,"GPUs":0,"GPUVRAM":0},` +
        `"instance_types":[{"ProviderType":"providertype1","VCPUs":1,"RAM":1181116006,"IncludedScratch":1073741824,"AddedScratch":0,"Price":0.123,"Preemptible":false,"GPU":{"Stack":"","DriverVersion":"","HardwareTarget":"","DeviceCount":0,"VRAM":0}}],` +
        `"first_seen_at":"2026-01-02T03:04:05.678Z","scheduling_status":"Waiting in queue at position 1.  Cluster is at capacity and cannot start any new instances right now."}\n`,
    );
    const { items } = JSON.parse((await server.ask("GET", `${BASE}/containers`)).text);
    expect(items.map((item: { container: { uuid: string } }) => item.container.uuid)).toEqual([
      containerId(1),
      containerId(2),
    ]);
    expect(items[1].first_seen_at).toBe("2026-01-02T03:04:06Z");
  });

  it("answers for what it does not know with the original's words", async () => {
    const server = await openServer(fleet());
    const answers: [string, string, number, string][] = [
      ["GET", "/container", 404, "container not found"],
      ["GET", `/container?container_uuid=${containerId(9)}`, 404, "container not found"],
      ["POST", "/containers/kill", 400, "container_uuid parameter not provided"],
      ["POST", "/instances/hold?instance_id=i-9", 404, "requested instance does not exist"],
      ["POST", "/instances/drain?instance_id=", 400, "instance_id parameter not provided"],
      ["POST", "/instances/run?instance_id=i-9", 404, "requested instance does not exist"],
      ["POST", "/instances/kill", 400, "instance_id parameter not provided"],
      ["POST", "/instances/kill?instance_id=i-9", 404, "instance not found"],
    ];
    for (const [method, path, status, error] of answers) {
      const answer = await server.ask(method, BASE + path);
      expect([path, answer.status, answer.text]).toEqual([
        path,
        status,
        `${JSON.stringify({ errors: [error] })}\n`,
      ]);
      expect(answer.headers).toMatchObject({
        "content-type": "application/json",
        "x-content-type-options": "nosniff",
      });
    }
    expect(server.facts).toEqual([]);
  });

  it("tells the core what an operator asks for, by query, form or multipart, the body first", async () => {
    const server = await openServer(fleet());
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    const multipart = { "Content-Type": "multipart/form-data; boundary=xx" };
    const held = await server.ask("POST", `${BASE}/instances/hold?instance_id=i-2&reason=query`, {
      headers: form,
      body: "instance_id=i-1&reason=a+%C3%A9",
    });
    expect(held).toMatchObject({ status: 200, text: "" });
    const part = (name: string, value: string) =>
      `--xx\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const drained = await server.ask("POST", `${BASE}/instances/drain`, {
      headers: multipart,
      body: `${part("instance_id", "i-2")}${part("reason", "two\r\nlines")}--xx--\r\n`,
    });
    expect(drained).toMatchObject({ status: 200, text: "" });
    expect(server.facts).toEqual([
      { type: "behavior.requested", workerId: "i-1", behavior: "hold", reason: "a é" },
      { type: "behavior.requested", workerId: "i-2", behavior: "drain", reason: "two lines" },
    ]);
    expect(server.log).toContainEqual({
      message: "operator request",
      fields: expect.objectContaining({ reason: "via management API: a é" }),
    });
    const { items } = JSON.parse((await server.ask("GET", `${BASE}/instances`)).text);
    expect(items.map((item: { idle_behavior: string }) => item.idle_behavior)).toEqual([
      "hold",
      "drain",
    ]);
  });

  it("kills a container that a worker reports, and no other", async () => {
    const builder = new CoreBuilder().dispatching();
    builder
      .container(containerId(1), { state: "Queued" })
      .instance("i-1", "type1", [containerId(2)]);
    const server = await openServer(builder);
    const kill = (n: number) =>
      server.ask("POST", `${BASE}/containers/kill?container_uuid=${containerId(n)}&reason=why`);
    expect((await kill(1)).status).toBe(404);
    expect(await kill(2)).toMatchObject({ status: 200, text: "" });
    expect(server.facts).toEqual([
      { type: "kill.requested", containerId: containerId(2), reason: "why" },
    ]);
  });

  it("redirects a slash too many and the wrong letter case, and keeps method and query", async () => {
    const server = await openServer(fleet());
    const redirects: [string, string, number, string][] = [
      ["GET", "//arvados/v1/dispatch/instances", 301, `${BASE}/instances`],
      ["GET", `${BASE}/instances/?x=%20y`, 301, `${BASE}/instances?x=%20y`],
      ["GET", "/arvados/v1/./Dispatch/x/../INSTANCES", 301, `${BASE}/instances`],
      [
        "POST",
        `/${BASE}/instances/hold?instance_id=i-1`,
        308,
        `${BASE}/instances/hold?instance_id=i-1`,
      ],
      ["GET", "/metrics/", 301, "/metrics"],
    ];
    for (const [method, path, status, location] of redirects) {
      const answer = await server.ask(method, path);
      expect([path, answer.status, answer.headers["location"]]).toEqual([path, status, location]);
    }
    const followed = await fetch(`${server.url}//arvados/v1/dispatch/instances`, {
      headers: { Authorization: "Bearer abcdefgh" },
    });
    expect(followed.status).toBe(200);
    expect(((await followed.json()) as { items: unknown[] }).items).toHaveLength(2);
  });

  it("says which methods a path has", async () => {
    const server = await openServer(fleet());
    const asked: [string, string, number, string][] = [
      ["POST", `${BASE}/instances`, 405, "GET, OPTIONS"],
      ["HEAD", `${BASE}/instances`, 405, "GET, OPTIONS"],
      ["GET", `${BASE}/instances/kill`, 405, "OPTIONS, POST"],
      ["PROPFIND", `${BASE}/containers`, 405, "GET, OPTIONS"],
      ["OPTIONS", `${BASE}/containers/kill`, 200, "OPTIONS, POST"],
      ["DELETE", "/metrics", 405, "GET, OPTIONS"],
    ];
    for (const [method, path, status, allow] of asked) {
      const answer = await server.ask(method, path);
      expect([method, path, answer.status, answer.headers["allow"]]).toEqual([
        method,
        path,
        status,
        allow,
      ]);
    }
  });

  it("changes nothing while the journal cannot be written, or when it is read-only", async () => {
    const path = `${BASE}/instances/hold?instance_id=i-1`;
    const stuck = await openServer(fleet(), { writable: () => false });
    const answer = await stuck.ask("POST", path);
    expect(answer.status).toBe(503);
    expect(answer.headers["retry-after"]).toBe("5");
    expect(JSON.parse(answer.text).errors[0]).toMatch(/journal cannot be written/);
    const readOnly = await openServer(fleet(), { readOnly: true });
    expect((await readOnly.ask("POST", path)).status).toBe(403);
    expect((await readOnly.ask("GET", `${BASE}/instances`)).status).toBe(200);
    expect([...stuck.facts, ...readOnly.facts]).toEqual([]);
  });

  it("answers a change only once it is durable", async () => {
    let release = (_changed: boolean): void => {};
    const durable = new Promise<boolean>((resolve) => (release = resolve));
    let asked = (): void => {};
    const submitted = new Promise<void>((resolve) => (asked = resolve));
    const server = await openServer(fleet(), {
      submit: () => {
        asked();
        return durable;
      },
    });
    let answered = false;
    const answer = server
      .ask("POST", `${BASE}/instances/drain?instance_id=i-1`)
      .finally(() => (answered = true));
    await submitted;
    await server.ask("GET", `${BASE}/instances`);
    expect(answered).toBe(false);
    release(true);
    expect((await answer).status).toBe(200);
  });
});
