import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { ArvadosClientOptions } from "../../../../src/drivers/queue/arvados/client.ts";
import { makeArvadosClient } from "../../../../src/drivers/queue/arvados/client.ts";
import type { ArvadosError } from "../../../../src/drivers/queue/arvados/error.ts";
import { makeClient, serve, serveScript, TOKEN, type Reply } from "../serve.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(reply: Parameters<typeof serveScript>[0], options = {}) {
  const script = await serveScript(reply);
  const client = makeClient(script.baseUrl, options);
  closers.push(script.close, () => client.close());
  return { ...script, client };
}

async function failureOf(promise: Promise<unknown>): Promise<ArvadosError> {
  return promise.then(
    () => {
      throw new Error("it succeeded");
    },
    (error: unknown) => error as ArvadosError,
  );
}

describe("the controller client", () => {
  it("sends the token, a request id of its own for each call, and the form", async () => {
    const { client, requests } = await start(() => ({ body: { ok: true } }));
    expect(await client.request("GET", "arvados/v1/x", { b: [1], a: "A" })).toEqual({ ok: true });
    await client.request("PUT", "/arvados/v1/y", { container: { priority: 2n ** 60n } });
    const [get, put] = requests;
    expect(get).toMatchObject({
      method: "GET",
      path: "/arvados/v1/x",
      params: { a: "A", b: "[1]" },
    });
    expect(get?.headers["authorization"]).toBe(`Bearer ${TOKEN}`);
    expect(get?.headers["x-request-id"]).toMatch(/^req-[0-9a-z]{20}$/);
    expect(get?.headers["x-request-id"]).not.toBe(put?.headers["x-request-id"]);
    expect(put?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(put?.params).toEqual({ container: `{"priority":${2n ** 60n}}` });
  });

  it("reads long integers without loss, and nothing from a 204", async () => {
    const replies: Reply[] = [
      { body: `{"priority":562949953421311999}` },
      { status: 204, body: "" },
    ];
    const { client } = await start(() => replies.shift() ?? {});
    expect(await client.request("GET", "/a")).toEqual({ priority: "562949953421311999" });
    expect(await client.request("GET", "/a")).toBeNull();
  });

  it("tells URL, status line and the server's errors, and never the token", async () => {
    const { client, baseUrl } = await start(() => ({
      status: 422,
      body: { errors: ["cannot lock when Locked", "really"] },
    }));
    const error = await failureOf(client.request("POST", "/arvados/v1/c/lock"));
    expect(error).toMatchObject({ kind: "status", status: 422 });
    expect(error.errors).toEqual(["cannot lock when Locked", "really"]);
    expect(error.message).toBe(
      `request failed: ${baseUrl}/arvados/v1/c/lock: 422 Unprocessable Entity: cannot lock when Locked; really`,
    );
    expect(JSON.stringify(error) + error.message).not.toContain(TOKEN);
  });

  it("names the status line alone when the error page is no JSON", async () => {
    const { client } = await start(() => ({ status: 502, body: "<html>bad gateway</html>" }));
    expect((await failureOf(client.request("GET", "/a"))).message).toMatch(/: 502 Bad Gateway: $/);
  });

  it("makes one attempt, and remembers when a 503 came", async () => {
    let nowMs = 1000;
    const { client, requests } = await start(() => ({ status: 503 }), { nowMs: () => nowMs });
    expect(client.last503AtMs()).toBeNull();
    nowMs = 2000;
    expect(await failureOf(client.request("GET", "/a"))).toMatchObject({ status: 503 });
    expect(client.last503AtMs()).toBe(2000);
    expect(requests).toHaveLength(1);
  });

  it("says that a 200 is no JSON", async () => {
    const { client } = await start(() => ({ body: `{"items":[{"uuid":` }));
    expect(await failureOf(client.request("GET", "/a"))).toMatchObject({
      kind: "decode",
      message: expect.stringMatching(/200 OK: the response is no JSON/) as string,
    });
  });

  it("gives up at the deadline while the answer is still coming", async () => {
    const served = await serve((_request, response) => {
      response.writeHead(200, { "Content-Type": "application/json" });
      response.write(`{"items":[`);
    });
    const client = makeClient(served.baseUrl, { timeoutMs: 50 });
    closers.push(served.close, () => client.close());
    expect(await failureOf(client.request("GET", "/a"))).toMatchObject({
      kind: "timeout",
      message: `GET ${served.baseUrl}/a giving up after 1 attempt(s): no complete answer within 50ms`,
    });
  });

  it("gives up at the deadline at a host that accepts and says nothing", async () => {
    const sockets = new Set<{ destroy(): void }>();
    const tcp = createTcpServer((socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      tcp.close();
    });
    const { port } = tcp.address() as AddressInfo;
    const client = makeClient(`https://127.0.0.1:${port}`, { timeoutMs: 50 });
    expect(await failureOf(client.request("GET", "/a"))).toMatchObject({ kind: "timeout" });
  });

  it("counts the wait for a slot towards the deadline", async () => {
    const timeoutMs = 300;
    const { client } = await start(() => new Promise<Reply>(() => {}), {
      timeoutMs,
      concurrencyMax: 1,
    });
    const timedOutMs = async (path: string): Promise<number> => {
      expect((await failureOf(client.request("GET", path))).kind).toBe("timeout");
      return performance.now();
    };
    const [firstMs = 0, secondMs = 0] = await Promise.all(["/first", "/second"].map(timedOutMs));
    // The second has its slot when the first gives up, and all of its time is over then.
    expect(secondMs - firstMs).toBeLessThan(timeoutMs / 2);
  });

  it("is aborted by its caller, before and during the call", async () => {
    const controller = new AbortController();
    const { client } = await start(() => {
      controller.abort();
      return new Promise<Reply>(() => {});
    });
    const { signal } = controller;
    expect(await failureOf(client.request("GET", "/a", {}, { signal }))).toMatchObject({
      kind: "aborted",
    });
    expect(await failureOf(client.request("GET", "/a", {}, { signal }))).toMatchObject({
      kind: "aborted",
    });
  });

  it("says what went wrong when nobody listens", async () => {
    const { baseUrl, close } = await serveScript(() => ({}));
    await close();
    const client = makeClient(baseUrl);
    expect(await failureOf(client.request("PUT", "/a"))).toMatchObject({
      kind: "network",
      message: expect.stringMatching(
        /^PUT .*\/a giving up after 1 attempt\(s\): .*ECONNREFUSED/,
      ) as string,
    });
  });

  it("reads over a fresh connection when the kept one was closed, and writes nothing twice", async () => {
    let served = 0;
    const { baseUrl, close } = await serve((request, response) => {
      served += 1;
      // The first answer promises to keep the connection; the next request finds it closed.
      if (served === 2 || served === 5) request.socket.destroy();
      else response.end("{}");
    });
    closers.push(close);
    const client = makeClient(baseUrl);
    await client.request("GET", "/a");
    await client.request("GET", "/a");
    expect(served).toBe(3);
    await client.request("POST", "/a");
    expect(await failureOf(client.request("POST", "/a"))).toMatchObject({ kind: "network" });
    expect(served).toBe(5);
  });

  it("dials another host for the controller, with the controller's name in the request", async () => {
    const { baseUrl, requests, close } = await serveScript(() => ({ body: {} }));
    closers.push(close);
    const { port } = new URL(baseUrl);
    const client = makeClient(`http://controller.invalid:${port}`, { dialAddress: "127.0.0.1" });
    await client.request("GET", "/a");
    expect(requests[0]?.headers["host"]).toBe(`controller.invalid:${port}`);
  });

  it("accepts a certificate that nobody vouches for only when told to", async (ctx) => {
    const folder = await mkdtemp(join(tmpdir(), "client-"));
    closers.push(() => rm(folder, { recursive: true }));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const make = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=controller.invalid".split(
      " ",
    );
    const made = spawnSync("openssl", [...make, "-keyout", key, "-out", cert]);
    if (made.status !== 0) return ctx.skip("there is no openssl to make a certificate with");
    const pems = { key: await readFile(key), cert: await readFile(cert) };
    const server = createHttpsServer(pems, (_request, response) => response.end(`{"ok":1}`));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(
      () => server.close(),
      () => server.closeAllConnections(),
    );
    const baseUrl = `https://controller.invalid:${(server.address() as AddressInfo).port}`;
    const careful = makeClient(baseUrl, { dialAddress: "127.0.0.1" });
    expect(await failureOf(careful.request("GET", "/a"))).toMatchObject({
      kind: "network",
      message: expect.stringContaining("self-signed certificate") as string,
    });
    const careless = makeClient(baseUrl, { dialAddress: "127.0.0.1", insecure: true });
    expect(await careless.request("GET", "/a")).toEqual({ ok: 1 });
  });

  it("follows a read to another place, and keeps its token to itself there", async () => {
    const other = await serveScript(() => ({ body: { here: 1 } }));
    const { client, requests } = await start(({ path }) => {
      if (path === "/a") return { status: 302, headers: { Location: "/b" } };
      return { status: 307, headers: { Location: `${other.baseUrl}/c` } };
    });
    closers.push(other.close);
    expect(await client.request("GET", "/a")).toEqual({ here: 1 });
    expect(requests.map(({ headers }) => headers["authorization"])).toEqual(
      Array(2).fill(`Bearer ${TOKEN}`),
    );
    expect(other.requests[0]?.headers["authorization"]).toBeUndefined();
  });

  it("neither turns a change into a read, nor runs in circles", async () => {
    const { client, requests } = await start(({ method }) => ({
      status: method === "PUT" ? 303 : 302,
      headers: { Location: "/a" },
    }));
    expect(await failureOf(client.request("PUT", "/a"))).toMatchObject({ status: 303 });
    expect(await failureOf(client.request("GET", "/a"))).toMatchObject({ status: 302 });
    expect(requests).toHaveLength(1 + 11);
  });

  it("reports every call with its outcome", async () => {
    const reports: unknown[] = [];
    const onResponse: ArvadosClientOptions["onResponse"] = ({ method, path, status }) =>
      void reports.push({ method, path, status });
    const { client, close } = await start(() => ({ status: 404 }), { onResponse });
    await failureOf(client.request("GET", "/a", { select: ["uuid"] }));
    await close();
    await failureOf(client.request("PUT", "/b"));
    expect(reports).toEqual([
      { method: "GET", path: "/a", status: 404 },
      { method: "PUT", path: "/b", status: null },
    ]);
  });

  it("takes https and exactly one slash where the URL leaves them out, and refuses what is no URL", async () => {
    const options = { token: TOKEN, timeoutMs: 10_000, nowMs: () => 0 };
    const { requests, baseUrl, close } = await serveScript(() => ({}));
    closers.push(close);
    await makeClient(`${baseUrl}/some/path/`).request("GET", "//a");
    expect(requests[0]?.path).toBe("/a");
    const client = makeArvadosClient({ ...options, baseUrl: "127.0.0.1:1" });
    expect((await failureOf(client.request("GET", "/a"))).message).toContain(
      "https://127.0.0.1:1/a",
    );
    for (const baseUrl of ["", "ftp://x", "https://"]) {
      expect(() => makeArvadosClient({ ...options, baseUrl })).toThrow("cannot be used");
    }
  });
});
