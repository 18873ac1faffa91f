import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { z } from "zod";
import type { Journal } from "../../src/drivers/journal/port.ts";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import { ENDPOINTS, openApiDocument, WIRE_SCHEMAS } from "../../src/http/openapi.ts";
import type { ActorAnswer, HistoryAnswer } from "../../src/http/wire/actor.ts";
import type { RecordAnswer, RecordsAnswer } from "../../src/http/wire/record.ts";
import type { StateAnswer } from "../../src/http/wire/state.ts";
import type { TimelineAnswer } from "../../src/http/wire/timeline.ts";
import { Core } from "../../src/machines/core/core.ts";
import { fold } from "../../src/machines/core/replay.ts";
import { CONTAINERS_COUNT, writeSampleJournal } from "../cli/sample-journal.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { journalOfBuilder, saveState } from "../support/told-journal.ts";
import { openServer, type TestServer } from "./test-server.ts";

let dir = "";
let path = "";

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "view-routes-"));
  path = await writeSampleJournal(dir);
});
afterAll(() => rmSync(dir, { recursive: true }));

/** The endpoints over the journal of a whole simulated run, with nobody who writes it. */
async function openSample(): Promise<{ server: TestServer; journal: Journal }> {
  const journal = openJournal({ path, mode: "read", nowMs: () => 0 });
  onTestFinished(() => journal.close());
  return { server: await openServer(undefined, { view: { journal, live: undefined } }), journal };
}

async function get<T>(server: TestServer, path_: string): Promise<T> {
  const answer = await server.ask("GET", `/dispatch/v1${path_}`);
  if (answer.status !== 200) throw new Error(`${path_}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text) as T;
}

async function problem(server: TestServer, path_: string) {
  const answer = await server.ask("GET", `/dispatch/v1${path_}`);
  const json = JSON.parse(answer.text) as { type: string; detail: string };
  return { status: answer.status, code: json.type.split(":").at(-1), detail: json.detail };
}

/** The journal folded from nothing, with no checkpoint and nothing kept. */
function plainFold(journal: Journal, seq: number): Core {
  return fold(new Core(journal.id), journal.read({ toSeq: seq }));
}

/** Priorities are integers on the wire and digits in the rows. */
const digits = (rows: StateAnswer["containers"]) =>
  rows.map((row) => ({ ...row, priority: String(row.priority) }));

describe("GET /dispatch/v1/state", () => {
  it("shows any moment as a fold from nothing has it, in whatever order moments are asked for", async () => {
    const { server, journal } = await openSample();
    const last = journal.lastSeq;
    for (const seq of [last, 1, 40, 39, Math.floor(last / 2), 41, last - 1]) {
      const state = await get<StateAnswer>(server, `/state?at=${seq}`);
      const core = plainFold(journal, seq);
      expect([state.seq, state.live, state.bounds.last_seq]).toEqual([seq, false, last]);
      expect(state.at).toBe(new Date(core.atMs).toISOString());
      expect(state.workers.map(({ worker_id, lifecycle }) => [worker_id, lifecycle])).toEqual(
        [...core.registry.entries("worker")].map(([id, { value }]) => [id, value.lifecycle]),
      );
      expect(
        digits(state.containers).map(({ container_uuid, record, priority, wait_reason }) => [
          container_uuid,
          record,
          priority,
          wait_reason,
        ]),
      ).toEqual(
        [...core.registry.entries("container")].map(([id, { value, context }]) => [
          id,
          value.record,
          context.priority,
          context.waitReason,
        ]),
      );
    }
  });

  it("finds the last record at or before a time", async () => {
    const { server, journal } = await openSample();
    const records = [...journal.read()];
    const { seq, fact } = records[50] ?? expect.fail("too short");
    const same = records.findLast((record) => record.fact.atMs === fact.atMs);
    const at = new Date(fact.atMs).toISOString();
    expect((await get<StateAnswer>(server, `/state?at=${at}`)).seq).toBe(same?.seq);
    const before = new Date(fact.atMs - 1).toISOString();
    expect((await get<StateAnswer>(server, `/state?at=${before}`)).seq).toBeLessThan(seq);
  });

  it("refuses what is no moment, and names the bounds for what is outside them", async () => {
    const { server, journal } = await openSample();
    for (const at of ["NaN", "-1", "1e3", "yesterday", "2026-13-45T00:00:00Z", "1;drop"])
      expect(await problem(server, `/state?at=${encodeURIComponent(at)}`)).toMatchObject({
        status: 400,
        code: "bad-parameter",
        detail: expect.stringContaining("at: found"),
      });
    for (const at of [
      "0",
      String(journal.lastSeq + 1),
      "1999-01-01T00:00:00Z",
      "2999-01-01T00:00:00Z",
    ])
      expect(await problem(server, `/state?at=${at}`)).toMatchObject({
        status: 400,
        code: "out-of-bounds",
        detail: expect.stringContaining(`to ${journal.lastSeq} (`),
      });
  });

  it("shows a running dispatcher from what it has in memory, compressed where that is asked for", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.container(containerId(1), { priority: "9007199254740993" }).plan();
    const server = await openServer(builder, {
      view: { journal: await journalOfBuilder(builder) },
    });
    const answer = await server.ask("GET", "/dispatch/v1/state");
    const state = WIRE_SCHEMAS.State.parse(JSON.parse(answer.text));
    expect(state).toMatchObject({ live: true, seq: builder.core.seq, supervisor: "dispatching" });
    expect(answer.text).toContain('"priority":9007199254740993,');
    expect(state.limits.map(({ actor }) => actor)).toContain("quota/dispatcher");
    const gzip = await fetch(`${server.url}/dispatch/v1/state`, {
      headers: { Authorization: "Bearer abcdefgh", "Accept-Encoding": "gzip" },
    });
    expect(gzip.headers.get("content-encoding")).toBe("gzip");
    expect((await gzip.json()) as object).toEqual(JSON.parse(answer.text));
  });
});

describe("GET /dispatch/v1/records", () => {
  it("gives all records in pages, with rows as the state after each has them", async () => {
    const { server, journal } = await openSample();
    const seqs: number[] = [];
    let from: number | null = 1;
    while (from !== null) {
      const page: RecordsAnswer = await get(server, `/records?from=${from}&limit=25`);
      seqs.push(...page.items.map(({ seq }) => seq));
      from = page.next_seq;
    }
    expect(seqs).toEqual(Array.from({ length: journal.lastSeq }, (_, at) => at + 1));
    const [item] = (await get<RecordsAnswer>(server, "/records?from=60&limit=1")).items;
    const state = await get<StateAnswer>(server, "/state?at=60");
    for (const { kind, id, row } of item?.changes ?? []) {
      if (kind === "worker")
        expect(row ?? undefined).toEqual(state.workers.find(({ worker_id }) => worker_id === id));
      if (kind === "container")
        expect(row ?? undefined).toEqual(
          state.containers.find(({ container_uuid }) => container_uuid === id),
        );
    }
  });

  it("has nothing after the last one, and refuses the rest", async () => {
    const { server, journal } = await openSample();
    const next = journal.lastSeq + 1;
    expect(await get(server, `/records?from=${next}`)).toEqual({ items: [], next_seq: null });
    expect((await problem(server, `/records?from=${next + 1}`)).code).toBe("out-of-bounds");
    expect((await problem(server, "/records?limit=501")).code).toBe("bad-parameter");
    expect((await problem(server, "/records?limit=0")).code).toBe("bad-parameter");
    expect((await problem(server, "/records?from=x")).code).toBe("bad-parameter");
    expect((await problem(server, `/records/${next}`)).code).toBe("unknown-record");
    expect((await problem(server, "/records/..%2F..%2Fetc")).code).toBe("bad-parameter");
  });

  it("follows an instance's create back to the container that it was asked for", async () => {
    const { server, journal } = await openSample();
    const created = [...journal.read()].find(({ fact }) => fact.type === "create.succeeded");
    const answer = await get<RecordAnswer>(server, `/records/${created?.seq}`);
    expect(answer.chain.map(({ kind }) => kind).slice(0, 3)).toEqual([
      "outcome",
      "command",
      "decision",
    ]);
    const [outcome, command, decision] = answer.chain;
    expect(outcome?.text).toMatch(/^the cloud created /);
    expect(command?.text).toMatch(/^instance\.create type/);
    expect(decision?.actor).toMatch(/^container\//);
    expect(command?.seq).toBe(decision?.seq);
    // It ends with a fact from outside, and every link is older than the one before it.
    const seqs = answer.chain.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
    expect(["fact", "outcome"]).toContain(answer.chain.at(-1)?.kind);
    expect(answer.log).toContainEqual(
      expect.objectContaining({ level: "info", message: "instance appeared in cloud" }),
    );
  });
});

describe("GET /dispatch/v1/actors/{id}", () => {
  it("shows a worker at a moment, by the dispatcher's name and the cloud's", async () => {
    const { server, journal } = await openSample();
    const seq = Math.floor(journal.lastSeq / 2);
    const [[workerId = "", worker] = []] = [...plainFold(journal, seq).registry.entries("worker")];
    const byId = await get(server, `/actors/${workerId}?at=${seq}`);
    const { instanceId } = worker?.context ?? expect.fail("no worker then");
    expect(await get(server, `/actors/${instanceId}?at=${seq}`)).toEqual(byId);
    expect(byId).toMatchObject({
      actor: { kind: "worker", id: workerId },
      seq,
      value: worker?.value,
      context: { worker_id: workerId, instance_id: instanceId },
      last: { to: expect.stringMatching(/^lifecycle\./) },
    });
    expect((await problem(server, `/actors/nobody?at=${seq}`)).code).toBe("unknown-subject");
    expect(await get(server, `/actors/supervisor?at=${seq}`)).toMatchObject({
      value: "dispatching",
      last: { event: "recovery.finished", from: "recovering", to: "dispatching" },
    });
  });

  it("tells what may come next, with what holds it back, now and then", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.container(containerId(1), { state: "Locked" }).plan();
    const [[workerId = ""] = []] = [...builder.core.registry.entries("worker")];
    const born = { type: "create.succeeded", workerId, commandId: workerId } as const;
    builder.feed({ ...born, instanceId: "i-1", address: "10.0.0.1" });
    const journal = await journalOfBuilder(builder);
    const lastSeq = journal.lastSeq;
    builder.nowMs += 90_000;
    const goodProbeAtMs = builder.nowMs - 30_000;
    const server = await openServer(builder, { view: { journal, goodProbeAtMs } });
    const silence = async (query: string) => {
      const { next } = await get<ActorAnswer>(server, `/actors/i-1${query}`);
      return next.find(({ event, guard }) => event === "probe.failed" && guard.includes("overdue"));
    };
    expect(await silence("")).toMatchObject({
      from: "lifecycle.booting",
      to: "lifecycle.shutdown",
      holds: false,
      values: [
        { name: "overdueForBoot", value: false, text: "no answer for 30s of TimeoutBooting 10m" },
        { name: "not held", value: true, text: "on hold: no, behaviour is run" },
        { name: "bootProbePassed", value: null },
      ],
    });
    // What the feed knew then is not journaled.
    expect((await silence(`?at=${lastSeq}`))?.values[0]?.value).toBeNull();
  });

  it("tells the whole life of a container, without what only repeats", async () => {
    const { server } = await openSample();
    const history = await get<HistoryAnswer>(server, `/actors/${containerId(1)}/history`);
    const records = history.spans.filter(({ region }) => region === "record");
    expect(records.map(({ state }) => state)).toEqual([
      "Queued",
      "Locked",
      "Running",
      "Complete",
      "unlisted",
    ]);
    for (const [at, { from_seq }] of records.entries())
      expect(records[at - 1]?.to_seq ?? from_seq).toBe(from_seq);
    expect(history.marks.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["container.added", "lock", "container.lock", "start"]),
    );
    const locked = history.marks.find(({ type }) => type === "operation.succeeded");
    const asked = history.marks.find(({ type }) => type === "container.lock");
    expect(locked).toMatchObject({ kind: "outcome", cause_seq: asked?.seq });
    const all = await get<HistoryAnswer>(server, `/actors/${containerId(1)}/history?noise=1`);
    expect(all.marks.length).toBe(history.marks.length + history.noise_omitted);
    expect((await problem(server, "/actors/nobody/history")).status).toBe(404);
  });

  it("tells what a worker cost, also after it is gone", async () => {
    const { server, journal } = await openSample();
    const created = [...journal.read()].find(({ fact }) => fact.type === "create.succeeded");
    const { workerId } = created?.fact as { workerId: string };
    const history = await get<HistoryAnswer>(server, `/actors/${workerId}/history`);
    expect(history.spans.filter(({ region }) => region === "lifecycle").at(-1)?.state).toBe("gone");
    const { cost } = history;
    const hours = (Date.parse(cost?.to ?? "") - Date.parse(cost?.from ?? "")) / 3_600_000;
    expect(cost?.amount).toBeCloseTo((cost?.price_per_hour ?? 0) * hours, 5);
    expect(cost?.amount).toBeGreaterThan(0);
  });
});

describe("GET /dispatch/v1/timeline", () => {
  it("shows all workers with their containers, and costs that add up over parts", async () => {
    const { server } = await openSample();
    const whole = await get<TimelineAnswer>(server, "/timeline?bins=10");
    expect(whole.bins).toHaveLength(10);
    const ran = new Set(
      whole.workers.flatMap(({ containers }) => containers.map((c) => c.container_uuid)),
    );
    expect(ran.size).toBe(CONTAINERS_COUNT);
    expect(whole.bins.reduce((sum, { records }) => sum + records, 0)).toBe(whole.bounds.last_seq);
    expect(whole.bins.reduce((sum, { creates }) => sum + creates, 0)).toBe(whole.workers.length);
    const middle = whole.bins[5]?.from ?? "";
    const first = await get<TimelineAnswer>(server, `/timeline?to=${middle}`);
    const second = await get<TimelineAnswer>(server, `/timeline?from=${middle}`);
    expect(first.cost + second.cost).toBeCloseTo(whole.cost, 9);
    expect((await problem(server, "/timeline?bins=100000")).code).toBe("bad-parameter");
    expect((await problem(server, `/timeline?from=${whole.to}&to=${whole.from}`)).code).toBe(
      "bad-parameter",
    );
  });
});

describe("a journal whose oldest records were pruned", () => {
  async function openPruned() {
    const builder = new CoreBuilder().dispatching();
    builder.container(containerId(1)).plan();
    const pruned = builder.core.seq;
    const journal = await journalOfBuilder(builder);
    await saveState(journal, builder);
    builder.nowMs += 60_000;
    builder.container(containerId(2)).plan();
    await journal.append(builder.journaled.slice(pruned));
    await journal.prune({ maxAgeMs: 1_000, nowMs: builder.nowMs });
    const server = await openServer(builder, { view: { journal, live: undefined } });
    return { server, pruned, lastSeq: journal.lastSeq };
  }

  it("is shown from where it can be folded on, and says so", async () => {
    const { server, pruned, lastSeq } = await openPruned();
    const state = await get<StateAnswer>(server, "/state");
    expect(state.bounds).toMatchObject({ first_seq: pruned + 1, last_seq: lastSeq });
    expect(state.missing).toContain("older records were pruned");
    expect(state.containers).toHaveLength(2);
    expect(await problem(server, `/state?at=${pruned}`)).toMatchObject({
      status: 400,
      detail: expect.stringContaining(`records ${pruned + 1} `),
    });
    const history = await get<HistoryAnswer>(server, `/actors/${containerId(1)}/history`);
    expect(history.missing).toContain("older records were pruned");
    const record = await get<RecordAnswer>(server, `/records/${lastSeq}`);
    expect(record.chain.length).toBeGreaterThan(0);
  });
});

describe("the OpenAPI document", () => {
  it("is served, and every endpoint that it names answers in its schema", async () => {
    const { server, journal } = await openSample();
    const document = await get<{ paths: Record<string, Record<string, object>> }>(
      server,
      "/openapi.json",
    );
    const created = [...journal.read()].find(({ fact }) => fact.type === "create.succeeded");
    const values: Record<string, string> = { seq: String(created?.seq), id: containerId(1) };
    const asked: string[] = [];
    for (const { method, path: template, answer } of ENDPOINTS) {
      expect(document.paths[`/dispatch/v1${template}`]?.[method]).toBeDefined();
      // Nobody explains here; its test holds it to the schema.
      if (template === "/explain/{id}") continue;
      if (method !== "get" || answer === "EventStream" || answer === "OpenApi") continue;
      const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
      const at = template === "/actors/{id}" ? `?at=${created?.seq}` : "";
      const json = await get<object>(server, filled + at);
      const parsed = (WIRE_SCHEMAS[answer] as z.ZodType).safeParse(json);
      expect(parsed.error?.message, filled).toBeUndefined();
      asked.push(template);
    }
    expect(asked).toContain("/timeline");
    expect(JSON.stringify(document)).not.toContain('"$ref":"#/$defs');
  });

  it("has every route that there is, and no other", async () => {
    const { routes } = await openServer();
    const described = ENDPOINTS.map(
      ({ method, path }) =>
        `${method.toUpperCase()} /dispatch/v1${path.replace(/\{(\w+)\}/g, ":$1")}`,
    );
    expect([...described].sort()).toEqual([...routes].sort());
  });

  it("has patterns that other languages' tools understand", () => {
    const patterns = JSON.stringify(openApiDocument("1")).match(/"pattern":"(?:[^"\\]|\\.)*"/g);
    expect(JSON.stringify(openApiDocument("1"))).not.toContain("prefixItems");
    expect(patterns?.length).toBeGreaterThan(3);
    // Properties of characters, look-around, named groups and sticky escapes are not the same everywhere.
    for (const pattern of patterns ?? []) expect(pattern).not.toMatch(/\\\\[pPk]|\(\?[=!<P]/);
  });

  it("says of a reason what is accepted", async () => {
    const server = await openServer();
    const stop = (reason: unknown) =>
      server.ask("POST", "/dispatch/v1/stop", {
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ reason }),
      });
    const schema = JSON.parse(JSON.stringify(openApiDocument("1"))) as {
      components: { schemas: { StopBody: { properties: { reason: Record<string, unknown> } } } };
    };
    const { maxLength, pattern } = schema.components.schemas.StopBody.properties.reason;
    expect(maxLength).toBe(1000);
    for (const reason of ["", "x", "\u{1f600}".repeat(1000), "x".repeat(1001), "a\nb", "\u0085"]) {
      const isDescribed = [...reason].length <= 1000 && new RegExp(String(pattern)).test(reason);
      expect([reason, (await stop(reason)).status]).toEqual([reason, isDescribed ? 202 : 400]);
    }
  });

  it("is closed without the token, as all data is", async () => {
    const { server } = await openSample();
    for (const { method, path: template } of ENDPOINTS) {
      const filled = `/dispatch/v1${template.replace(/\{\w+\}/g, "1")}`;
      const answer = await server.ask(method.toUpperCase(), filled, { token: "none" });
      expect([template, answer.status]).toEqual([template, 401]);
      const query = await server.ask(method.toUpperCase(), `${filled}?api_token=abcdefgh`, {
        token: "none",
      });
      expect([template, query.status]).toEqual([template, 401]);
    }
  });
});
