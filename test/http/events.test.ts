import { request, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import type { FactInput } from "../../src/machines/model/fact.ts";
import type { RecordView } from "../../src/http/wire/record.ts";
import { WIRE_SCHEMAS } from "../../src/http/openapi.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { openServer, TOKEN, type TestServer } from "./test-server.ts";
import { testView, type ViewChanges } from "./test-view.ts";

interface Event {
  readonly type: string;
  readonly id: number | undefined;
  readonly data: string;
}

/** A dispatcher whose records go to the hub as they become durable. */
async function openHub(hub: ViewChanges["hub"] = {}, limits = {}) {
  const builder = new CoreBuilder().dispatching();
  const clock = {
    nowMs: () => builder.nowMs,
    setTimer: (delayMs: number, callback: () => void) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
  const view = testView(builder, { clock, hub });
  onTestFinished(() => view.events.close());
  const server = await openServer(builder, { view, limits });
  const feed = (fact: FactInput): void => {
    const { record, changes } = builder.feed(fact);
    if (record) view.events.push({ record, changes });
  };
  let count = 0;
  const addContainers = (more: number): void => {
    for (let at = 0; at < more; at++)
      feed({
        type: "container.rejected",
        containerId: containerId(++count),
        basedOnSeq: builder.core.seq,
        state: "Queued",
        error: "x".repeat(500),
      });
  };
  return { builder, server, events: view.events, addContainers };
}

async function open(
  { url }: TestServer,
  query = "",
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const asked = request(`${url}/dispatch/v1/events${query}`, {
    headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
    agent: false,
  }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  onTestFinished(() => void response.destroy());
  return response;
}

/** Events as they come, up to the one that is wanted, or to the end of the stream. */
async function readUntil(
  response: IncomingMessage,
  isLast: (event: Event) => boolean,
): Promise<Event[]> {
  response.setEncoding("utf8");
  const events: Event[] = [];
  let text = "";
  for await (const piece of response.iterator({ destroyOnReturn: false })) {
    text += String(piece);
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const member = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const id = member("id");
      events.push({
        type: member("event") ?? "",
        id: id === undefined ? undefined : Number(id),
        data: member("data") ?? "",
      });
    }
    if (events.some(isLast)) break;
  }
  return events;
}

const idsOf = (events: readonly Event[]) => events.flatMap(({ id }) => id ?? []);
const upTo = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

describe("GET /dispatch/v1/events", () => {
  it("tells of each durable record with what it changed, after a status", async () => {
    const { builder, server, addContainers } = await openHub();
    const response = await open(server);
    expect(response.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    });
    addContainers(1);
    const { seq } = builder.core;
    const events = await readUntil(response, ({ id }) => id === seq);
    expect(events.map(({ type }) => type)).toEqual(["status", "record"]);
    expect(WIRE_SCHEMAS.StatusEvent.parse(JSON.parse(events[0]?.data ?? ""))).toMatchObject({
      accepting: true,
      supervisor: "dispatching",
    });
    const record = JSON.parse(events[1]?.data ?? "") as RecordView;
    expect(WIRE_SCHEMAS.RecordEvent.safeParse(record).error?.message).toBeUndefined();
    expect(record.changes).toMatchObject([
      { actor: `container/${containerId(1)}`, from: null, row: { record: "Queued" } },
    ]);
  });

  it("goes on where a client was, without gap or duplicate", async () => {
    const { builder, server, addContainers } = await openHub();
    const start = builder.core.seq;
    addContainers(300);
    const first = await open(server, `?after=${start}`);
    const got = await readUntil(first, ({ id }) => id === start + 100);
    const seen = idsOf(got).filter((id) => id <= start + 100);
    first.destroy();
    addContainers(50);
    const second = await open(server, "", { "Last-Event-ID": String(start + 100) });
    const rest = idsOf(await readUntil(second, ({ id }) => id === start + 350));
    expect([...seen, ...rest]).toEqual(upTo(start + 1, start + 350));
  });

  it("tells who comes back too late, or from another journal, to start anew", async () => {
    const { builder, server, addContainers } = await openHub({ recordsMax: 5 });
    const start = builder.core.seq;
    addContainers(10);
    for (const [after, reason] of [
      [start, "too-old"],
      [start + 11, "too-new"],
    ] as const) {
      const response = await open(server, `?after=${after}`);
      const events = await readUntil(response, () => false);
      expect(events.map(({ type }) => type)).toEqual(["status", "reset"]);
      expect(JSON.parse(events.at(-1)?.data ?? "")).toMatchObject({ reason });
    }
  });

  it("leaves a client behind that does not read, and keeps nothing for it", async () => {
    const { builder, server, events, addContainers } = await openHub({ recordsMax: 50 });
    const start = builder.core.seq;
    const slow = await open(server, `?after=${start}`);
    slow.pause();
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    // More than the sockets of this machine hold.
    for (let round = 0; round < 2_000 && events.clientsCount > 0; round++) {
      addContainers(40);
      await turn();
    }
    expect(events.clientsCount).toBe(0);
    slow.resume();
    const got = await readUntil(slow, () => false);
    const ids = idsOf(got);
    expect(ids).toEqual(upTo(start + 1, start + ids.length));
    expect(got.at(-1)?.type).toBe("reset");
    expect(JSON.parse(got.at(-1)?.data ?? "")).toMatchObject({ reason: "too-slow" });
  });

  it("does not take a turn from other requests, and is gone when its client is", async () => {
    const { server, events } = await openHub({}, { concurrentMax: 1, queuedMax: 0 });
    const one = await open(server);
    const two = await open(server);
    expect((await server.ask("GET", "/dispatch/v1/status")).status).toBe(200);
    expect(server.traffic.requests.list(0)).toEqual([]);
    expect(events.clientsCount).toBe(2);
    one.destroy();
    two.destroy();
    await expect.poll(() => events.clientsCount).toBe(0);
  });

  it("ends when the dispatcher does, and for one client too many", async () => {
    const { server, events } = await openHub({ clientsMax: 1 });
    const response = await open(server);
    expect((await open(server)).statusCode).toBe(503);
    events.close();
    const got = await readUntil(response, () => false);
    expect(JSON.parse(got.at(-1)?.data ?? "")).toMatchObject({ reason: "stopping" });
  });

  it("takes numbers only", async () => {
    const { server } = await openHub();
    expect((await open(server, "?after=NaN")).statusCode).toBe(400);
    expect((await open(server, "", { "Last-Event-ID": "-1" })).statusCode).toBe(400);
    expect((await open(server, "?after=1", { Authorization: "Bearer no" })).statusCode).toBe(403);
  });
});
