import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeArvadosQueue } from "../../../../src/drivers/queue/arvados/queue.ts";
import { makeClient, serve, serveEmbedded, type Served } from "../serve.ts";

const signal = new AbortController().signal;

/** What the proxy does with one request instead of passing it on and back. */
type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
  pass: () => Promise<{ status: number; text: string }>,
) => unknown;

let upstream: Awaited<ReturnType<typeof serveEmbedded>>;
let proxy: Served;
let client: ReturnType<typeof makeClient>;
let fault: Fault | undefined;

beforeEach(async () => {
  fault = undefined;
  upstream = await serveEmbedded();
  proxy = await serve((request, response) => {
    const pass = () => forward(request);
    if (fault) return void fault(request, response, pass);
    void pass().then(({ status, text }) => response.writeHead(status).end(text));
  });
  client = makeClient(proxy.baseUrl, { nowMs: () => 5000 });
});
afterEach(async () => {
  client.close();
  await proxy.close();
  await upstream.close();
});

function forward(request: IncomingMessage): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { method, headers, url } = request;
    const options = { method, headers };
    const outgoing = httpRequest(new URL(url ?? "", upstream.baseUrl), options, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    outgoing.on("error", reject);
    request.pipe(outgoing);
  });
}

/** Changes the items of every list of containers that has any. */
function tamper(change: (items: Record<string, unknown>[]) => unknown[]): Fault {
  return async (request, response, pass) => {
    const { status, text } = await pass();
    const body = JSON.parse(text) as { items?: Record<string, unknown>[] };
    if (request.url?.includes("/containers?") && body.items?.length)
      body.items = change(body.items) as never;
    response.writeHead(status).end(JSON.stringify(body));
  };
}

function submit(): string {
  const { store } = upstream;
  const requestId = store.submit({
    command: ["true"],
    runtime_constraints: { vcpus: 1, ram: 1024 },
  });
  const text = store.get("container_requests", requestId, ["container_uuid"]);
  return (JSON.parse(text) as { container_uuid: string }).container_uuid;
}

const stateOf = (id: string) =>
  (JSON.parse(upstream.store.get("containers", id, ["state"])) as { state: string }).state;

describe("the queue over a bad network", () => {
  it("gives a slow API up at the deadline, and polls again as if nothing had been", async () => {
    const id = submit();
    const hasty = makeClient(proxy.baseUrl, { timeoutMs: 50 });
    const slow = makeArvadosQueue({ client: hasty });
    fault = () => {};
    await expect(slow.poll([], signal)).rejects.toMatchObject({ failure: { code: "timeout" } });
    hasty.close();
    fault = undefined;
    const queue = makeArvadosQueue({ client });
    expect([...(await queue.poll([], signal)).entries.keys()]).toEqual([id]);
  });

  it("remembers when the API was overloaded", async () => {
    const id = submit();
    const queue = makeArvadosQueue({ client });
    fault = (_request, response) => response.writeHead(503).end();
    const error = { failure: { code: "unavailable" }, status: 503 };
    await expect(queue.lock(id, signal)).rejects.toMatchObject(error);
    expect(queue.last503AtMs()).toBe(5000);
  });

  it("takes no part of an answer that was cut in the middle", async () => {
    submit();
    const queue = makeArvadosQueue({ client });
    fault = async (_request, response, pass) => {
      const { status, text } = await pass();
      response.writeHead(status, { "Content-Length": Buffer.byteLength(text) });
      response.write(text.slice(0, text.length / 2), () => response.destroy());
    };
    await expect(queue.poll([], signal)).rejects.toMatchObject({
      failure: { code: "unavailable" },
    });
  });

  it("takes no half JSON and no page of something else", async () => {
    submit();
    const queue = makeArvadosQueue({ client });
    for (const text of [
      `{"items":[{"uuid":"zz`,
      "<html></html>",
      "[]",
      "null",
      `{"items":{}}`,
      "",
    ]) {
      fault = async (request, response, pass) => {
        const answer = await pass();
        const isList = request.url?.includes("/containers");
        response.writeHead(answer.status).end(isList ? text : answer.text);
      };
      await expect(queue.poll([], signal)).rejects.toMatchObject({ failure: { code: "other" } });
    }
  });

  it("knows no outcome when the answer to a lock makes no sense", async () => {
    const id = submit();
    const queue = makeArvadosQueue({ client });
    fault = async (_request, response, pass) => {
      await pass();
      response.writeHead(200).end(`{"state":"Sleeping"}`);
    };
    await expect(queue.lock(id, signal)).rejects.toThrow(`/lock: state: `);
    expect(stateOf(id)).toBe("Locked");
  });

  it("counts a cancel as done when only its answer got lost", async () => {
    const id = submit();
    const queue = makeArvadosQueue({ client });
    fault = async (request, response, pass) => {
      const { status, text } = await pass();
      if (request.method === "PUT") response.destroy();
      else response.writeHead(status).end(text);
    };
    expect(await queue.cancel(id, undefined, signal)).toEqual({
      state: "Cancelled",
      priority: null,
    });
    expect(stateOf(id)).toBe("Cancelled");
  });

  it("does not claim a cancel that did not happen", async () => {
    const id = submit();
    const queue = makeArvadosQueue({ client });
    fault = async (request, response, pass) => {
      if (request.method === "PUT") return response.writeHead(502).end();
      const { status, text } = await pass();
      return response.writeHead(status).end(text);
    };
    await expect(queue.cancel(id, "error", signal)).rejects.toMatchObject({ status: 502 });
    expect(stateOf(id)).toBe("Locked");
    fault = undefined;
    await queue.cancel(id, "error", signal);
    expect(stateOf(id)).toBe("Cancelled");
  });

  it("takes rows that come twice once, the later one", async () => {
    const id = submit();
    const queue = makeArvadosQueue({ client });
    fault = tamper((items) => [...items, ...items.map((item) => ({ ...item, priority: 7 }))]);
    const { entries } = await queue.poll([], signal);
    expect([...entries.keys()]).toEqual([id]);
    expect(entries.get(id)?.priority).toBe("7");
  });

  it("asks again for rows that a list left out, and deletes nobody that exists", async () => {
    const [first, second] = [submit(), submit()];
    const queue = makeArvadosQueue({ client });
    let lists = 0;
    fault = async (request, response, pass) => {
      const { status, text } = await pass();
      const isAvail = request.url?.includes("priority+desc");
      if (isAvail) lists += 1;
      response.writeHead(status).end(isAvail ? `{"items":[]}` : text);
    };
    const { entries, deleted } = await queue.poll([first, second], signal);
    expect([lists, entries.size, deleted.size]).toEqual([1, 2, 0]);
  });

  it("reports a row that cannot be read and takes the others", async () => {
    const ids = [submit(), submit(), submit(), submit()];
    const queue = makeArvadosQueue({ client });
    const damage = [
      { priority: "high" },
      { runtime_constraints: { ram: [] } },
      { state: "Sleeping" },
      {},
    ];
    fault = tamper((items) => [
      ...items.map((item) => ({ ...item, ...damage[ids.indexOf(String(item["uuid"]))] })),
      { uuid: 7 },
      null,
    ]);
    const poll = await queue.poll([], signal);
    expect([...poll.entries.keys()]).toEqual([ids[3]]);
    expect(poll.namelessRows).toBe(2);
    expect(poll.rejected.get(ids[0] ?? "")).toMatchObject({
      state: "Queued",
      error: "cannot read the container record: priority: expected an integer",
    });
    expect(poll.rejected.get(ids[1] ?? "")?.error).toContain("runtime_constraints.ram: ");
    expect(poll.rejected.get(ids[2] ?? "")?.state).toBeNull();
    expect((await queue.poll(ids, signal)).deleted.size).toBe(0);
  });

  it("ends a poll whose pages repeat for ever", async () => {
    const id = submit();
    upstream.store.lock(id, upstream.store.authIdOf("the-system-root-token"));
    submit();
    const queue = makeArvadosQueue({ client });
    let page: string | undefined;
    fault = async (request, response, pass) => {
      const { status, text } = await pass();
      const isMine = request.url?.includes("locked_by_uuid");
      if (isMine) page ??= text;
      response.writeHead(status).end(isMine ? page : text);
    };
    await expect(queue.poll([], signal)).rejects.toThrow(
      "server response did not match requested filters",
    );
  });
});
