import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseLossless } from "../../src/drivers/queue/arvados/json.ts";
import { makeQueueRoutes } from "../../src/http/queue-routes.ts";
import { serveEmbedded, TOKEN } from "../drivers/queue/serve.ts";

let served: Awaited<ReturnType<typeof serveEmbedded>>;
beforeEach(async () => {
  served = await serveEmbedded();
});
afterEach(() => served.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /* eslint-disable-next-line @typescript-eslint/no-explicit-any */
  readonly body: any;
}

async function call(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${served.baseUrl}/arvados/v1/${path}`, {
    ...init,
    method,
    headers: { Authorization: `Bearer ${TOKEN}`, ...(init.headers as Record<string, string>) },
  });
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text !== "" ? parseLossless(text) : text,
  };
}

const sendJson = (method: string, path: string, value: unknown) =>
  call(method, path, {
    body: typeof value === "string" ? value : JSON.stringify(value),
    headers: { "Content-Type": "application/json" },
  });
const sendForm = (method: string, path: string, form: Record<string, string>) =>
  call(method, path, { body: new URLSearchParams(form) });
const query = (form: Record<string, string>) => `?${new URLSearchParams(form).toString()}`;

const REQUEST = { command: ["true"], runtime_constraints: { vcpus: 1, ram: 1024 } };

async function submit(extra: object = {}): Promise<{ uuid: string; container_uuid: string }> {
  const container_request = { ...REQUEST, ...extra };
  return (await sendJson("POST", "container_requests", { container_request })).body;
}

describe("the embedded queue's API", () => {
  it("lets nobody in without one of its tokens, and reads nothing of theirs", async () => {
    for (const header of [
      "",
      "Bearer",
      "Bearer ",
      `Bearer ${TOKEN}x`,
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN} x`,
    ]) {
      const answer = await call("POST", "container_requests", {
        headers: { Authorization: header, "Content-Type": "application/json" },
        body: "{",
      });
      expect(answer.status).toBe(401);
      expect(answer.body).toMatchObject({ errors: ["Not logged in"] });
      expect(answer.body.error_token).toMatch(/^req-/);
    }
    for (const header of [`Bearer ${TOKEN}`, `OAuth2 ${TOKEN}`, "Bearer another-token"]) {
      expect((await call("GET", "containers", { headers: { Authorization: header } })).status).toBe(
        200,
      );
    }
  });

  it("cannot be made without a token", () => {
    const { store } = served;
    expect(() => makeQueueRoutes({ store, tokens: [""], parseJson: parseLossless })).toThrow(
      "set SystemRootToken or ManagementToken",
    );
  });

  it("names the token in use by its uuid and does not tell it", async () => {
    const { body } = await call("GET", "api_client_authorizations/current");
    expect(body.uuid).toMatch(/^zzzzz-gj3su-[0-9a-z]{15}$/);
    expect(JSON.stringify(body)).not.toContain(TOKEN);
  });

  it("lists with filters, select, order, limit, offset and count", async () => {
    const made = [];
    for (const priority of [1, 2, 3]) made.push(await submit({ priority }));
    const [low, middle, high] = made.map(({ container_uuid }) => container_uuid);
    const filters = JSON.stringify([
      ["state", "=", "Queued"],
      ["priority", ">", "0"],
    ]);
    const params = { filters, select: `["uuid"]`, order: "priority desc", limit: "2" };
    const first = await call("GET", `containers${query(params)}`);
    expect(first.body).toMatchObject({ limit: 2, offset: 0, items_available: 3 });
    expect(first.body.items).toEqual([{ uuid: high }, { uuid: middle }]);
    const second = await call(
      "GET",
      `containers${query({ ...params, offset: "2", count: "none" })}`,
    );
    expect(second.body.items).toEqual([{ uuid: low }]);
    expect(second.body).not.toHaveProperty("items_available");
    const zero = await call("GET", `containers${query({ limit: "0" })}`);
    expect(zero.body).toMatchObject({ items: [], items_available: 3 });
  });

  it("knows every operator on every kind of attribute", async () => {
    const a = (await submit({ priority: 1 })).container_uuid;
    const b = (await submit({ priority: 2 })).container_uuid;
    await call("POST", `containers/${b}/lock`);
    const find = async (...filter: unknown[]) => {
      const { body } = await call(
        "GET",
        `containers${query({ filters: JSON.stringify([filter]), order: "created_at" })}`,
      );
      return body.items.map(({ uuid }: { uuid: string }) => (uuid === a ? "a" : "b")).join("");
    };
    expect(await find("uuid", "=", a)).toBe("a");
    expect(await find("uuid", "!=", a)).toBe("b");
    expect(await find("state", "in", ["Locked", "Running"])).toBe("b");
    expect(await find("state", "not in", ["Locked"])).toBe("a");
    expect(await find("state", "in", [])).toBe("");
    expect(await find("locked_by_uuid", "=", null)).toBe("a");
    expect(await find("locked_by_uuid", "!=", null)).toBe("b");
    expect(await find("locked_by_uuid", "!=", "x")).toBe("ab");
    expect(await find("locked_by_uuid", "not in", ["x"])).toBe("ab");
    expect(await find("priority", ">=", 1)).toBe("ab");
    expect(await find("lock_count", "<", 1)).toBe("a");
    expect(await find("lock_count", "in", [1, "2"])).toBe("b");
    expect(await find("created_at", "<=", "2100-01-01T01:00:00+01:00")).toBe("ab");
    expect(await find("created_at", ">", "2100-01-01T00:00:00Z")).toBe("");
    const { body } = await call("GET", `containers/${b}`);
    expect(await find("priority", "=", body.priority)).toBe("b");
    expect(await find("priority", "in", [body.priority])).toBe("b");
  });

  it("says which filter, attribute or parameter it does not know", async () => {
    const cases: [Record<string, string>, string][] = [
      [{ filters: `[["flavour","=","x"]]` }, `Invalid attribute "flavour" in filter`],
      [{ filters: `[["command","=","x"]]` }, `Invalid attribute "command" in filter`],
      [{ filters: `[["uuid","like","x"]]` }, `Invalid operator "like" in filter on uuid`],
      [{ filters: `[["uuid","="]]` }, `Invalid element in filters: ["uuid","="]`],
      [{ filters: `[["uuid","in","x"]]` }, `expected a list`],
      [{ filters: `[["uuid","=",7]]` }, `expected a string`],
      [{ filters: `[["priority",">","high"]]` }, `expected an integer`],
      [{ filters: `[["priority",">","99999999999999999999"]]` }, `expected an integer`],
      [{ filters: `[["created_at",">","soon"]]` }, `expected a time`],
      [{ filters: `{}` }, `Could not parse "filters" param as an array`],
      [{ filters: `[` }, `Could not parse "filters" param`],
      [{ select: `["uuid","flavour"]` }, `Invalid attribute(s): "flavour" in select`],
      [{ select: `[]` }, `Attribute selection list cannot be empty`],
      [{ select: `uuid` }, `Could not parse "select" param`],
      [{ order: "flavour" }, `Invalid attribute "flavour" in order`],
      [{ order: "uuid sideways" }, `Invalid order "uuid sideways"`],
      [{ order: "uuid; DROP TABLE containers" }, `Invalid attribute "uuid;" in order`],
      [{ limit: "-1" }, `Invalid value for limit parameter`],
      [{ offset: "x" }, `Invalid value for offset parameter`],
      [{ count: "some" }, `Invalid value for count parameter`],
    ];
    for (const [params, message] of cases) {
      const { status, body } = await call("GET", `containers${query(params)}`);
      expect([status, body.errors[0]]).toEqual([422, expect.stringContaining(message)]);
    }
  });

  it("takes a long list request as a POST that says it is a GET", async () => {
    const { container_uuid } = await submit();
    const ids = [container_uuid, ...Array.from({ length: 100 }, (_, i) => `zzzzz-dz642-${i}`)];
    const { body } = await call("POST", "containers", {
      headers: { "X-Http-Method-Override": "GET" },
      body: new URLSearchParams({ filters: JSON.stringify([["uuid", "in", ids]]) }),
    });
    expect(body.items).toHaveLength(1);
  });

  it("locks and unlocks with the five fields that Arvados answers", async () => {
    const { container_uuid } = await submit();
    const { body } = await call("POST", `containers/${container_uuid}/lock`);
    expect(Object.keys(body)).toEqual(["uuid", "state", "priority", "auth_uuid", "locked_by_uuid"]);
    expect(body.state).toBe("Locked");
    const again = await call("POST", `containers/${container_uuid}/lock`);
    expect([again.status, again.body.errors]).toEqual([422, ["cannot lock when Locked"]]);
    const other = { headers: { Authorization: "Bearer another-token" } };
    expect((await call("POST", `containers/${container_uuid}/unlock`, other)).status).toBe(403);
    expect((await call("POST", `containers/${container_uuid}/unlock`)).body.state).toBe("Queued");
  });

  it("updates by form and by JSON, by PUT and PATCH, and answers what was selected", async () => {
    const { container_uuid: id } = await submit();
    await call("POST", `containers/${id}/lock`);
    const form = { container: `{"runtime_status":{"error":"x"}}`, select: `["uuid"]` };
    expect((await sendForm("PUT", `containers/${id}`, form)).body).toEqual({ uuid: id });
    const running = { container: { state: "Running" }, select: ["state", "runtime_status"] };
    expect((await sendJson("PATCH", `containers/${id}`, running)).body).toEqual({
      state: "Running",
      runtime_status: { error: "x" },
    });
    const nothing = await sendForm("PUT", `containers/${id}`, {});
    expect([nothing.status, nothing.body.errors]).toEqual([
      422,
      ["No container hash provided with request"],
    ]);
  });

  it("changes nothing when it could not answer", async () => {
    const { container_uuid: id } = await submit();
    await call("POST", `containers/${id}/lock`);
    const change = { container: { state: "Running" }, select: ["flavour"] };
    expect((await sendJson("PUT", `containers/${id}`, change)).status).toBe(422);
    expect((await call("GET", `containers/${id}`)).body.state).toBe("Locked");
  });

  it("keeps the digits of long integers, in and out", async () => {
    const { container_uuid: id } = await submit();
    const form = { container: `{"priority":562949953421312001}` };
    expect((await sendForm("PUT", `containers/${id}`, form)).body.priority).toBe(
      "562949953421312001",
    );
    const json = await sendJson(
      "PUT",
      `containers/${id}`,
      `{"container":{"priority":562949953421312003}}`,
    );
    expect(json.body.priority).toBe("562949953421312003");
  });

  it("submits, shows and cancels requests", async () => {
    const { uuid, container_uuid } = await submit({ name: "one" });
    const list = await call(
      "GET",
      `container_requests${query({ filters: `[["name","=","one"]]` })}`,
    );
    expect(list.body.items).toEqual([(await call("GET", `container_requests/${uuid}`)).body]);
    const cancel = { container_request: `{"priority":0}` };
    expect((await sendForm("PUT", `container_requests/${uuid}`, cancel)).body.state).toBe("Final");
    expect((await call("GET", `containers/${container_uuid}`)).body.state).toBe("Cancelled");
    const bad = await sendForm("PUT", `container_requests/${uuid}`, {
      container_request: `{"flavour":1}`,
    });
    expect([bad.status, bad.body.errors[0]]).toEqual([422, expect.stringContaining(`"flavour"`)]);
  });

  it("refuses bodies that it cannot read, and says why", async () => {
    const cases = [
      [
        await sendJson("POST", "container_requests", `{"container_request":`),
        400,
        "not valid JSON",
      ],
      [await sendJson("POST", "container_requests", "[]"), 400, "must be a JSON object"],
      [
        await sendForm("POST", "container_requests", { container_request: "{" }),
        422,
        "Could not parse",
      ],
      [
        await sendForm("POST", "container_requests", { container_request: "[]" }),
        422,
        "No container_request",
      ],
      [await sendJson("POST", "container_requests", {}), 422, "No container_request hash"],
      [await call("POST", "container_requests", { body: "x" }), 415, "application/json"],
      [
        await sendJson("POST", "container_requests", {
          container_request: { name: "x".repeat(1 << 20) },
        }),
        413,
        "longer than 1mb",
      ],
    ] as const;
    for (const [answer, status, message] of cases) {
      expect([answer.status, answer.body.errors[0]]).toEqual([
        status,
        expect.stringContaining(message),
      ]);
    }
  });

  it("knows its paths and their methods", async () => {
    const gone = await call("GET", "containers/zzzzz-dz642-000000000000000");
    expect([gone.status, gone.body.errors[0]]).toEqual([
      404,
      expect.stringContaining("Object not found"),
    ]);
    const wrong = await call("DELETE", "containers");
    expect([wrong.status, wrong.headers.get("Allow")]).toEqual([405, "GET"]);
    expect((await call("POST", "containers")).status).toBe(405);
    expect((await call("GET", "flavours")).status).toBe(404);
    // Another letter case is another path: no part of the router may take it for one of its own.
    for (const path of ["CONTAINERS/x", "Containers", "container_REQUESTS"])
      expect([path, (await call("GET", path)).status]).toEqual([path, 404]);
  });

  it("serves pages by offset without a gap and without repeating one", async () => {
    for (let i = 0; i < 300; i++) served.store.submit({ ...REQUEST, priority: 1 + (i % 3) });
    const seen: string[] = [];
    for (let offset = 0; ; offset += 100) {
      const params = {
        order: "priority desc",
        select: `["uuid"]`,
        count: "none",
        offset: String(offset),
      };
      const { body } = await call("GET", `containers${query(params)}`);
      if (body.items.length === 0) break;
      seen.push(...body.items.map(({ uuid }: { uuid: string }) => uuid));
    }
    expect(new Set(seen).size).toBe(300);
    expect(seen).toHaveLength(300);
  });
});
