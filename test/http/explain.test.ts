import { describe, expect, it } from "vitest";
import { TimelineError } from "../../src/actors/timeline/walk.ts";
import { BusyError } from "../../src/actors/turns.ts";
import { explanationFromWire, explanationToWire } from "../../src/http/explain-wire.ts";
import { WIRE_SCHEMAS } from "../../src/http/openapi.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { journalOfBuilder, tell } from "../support/told-journal.ts";
import { openServer } from "./test-server.ts";

const ID = containerId(1);

async function waiting() {
  const builder = new CoreBuilder({ maxInstances: 1 }).dispatching();
  builder.instance("i/1", "type1", [containerId(2)]);
  builder.container(ID, { priority: "90071992547409930001" });
  builder.plan();
  const journal = await journalOfBuilder(builder);
  const server = await openServer(builder, {
    view: { journal, explain: (id, _signal, atSeq) => tell(journal, id, { atSeq }) },
  });
  return { server, journal };
}

describe("GET /dispatch/v1/explain/{id}", () => {
  it("explains containers and instances, in the names and times of the wire", async () => {
    const { server, journal } = await waiting();
    const answer = await server.ask("GET", `/dispatch/v1/explain/${ID}`);
    expect(answer).toMatchObject({
      status: 200,
      headers: { "content-type": "application/json", "cache-control": "no-store" },
    });
    expect(answer.text).toContain('"priority":90071992547409930001,');
    const json = JSON.parse(answer.text);
    expect(json).toMatchObject({
      kind: "container",
      container_uuid: ID,
      answer: { since: "2026-01-02T03:04:05.678Z", until: null },
      coverage: { journal_id: "j1", as_of: "2026-01-02T03:04:05.678Z" },
      waits: [{ reason: "atMaxInstances", from_at: "2026-01-02T03:04:05.678Z", to_at: null }],
    });
    const instance = await server.ask("GET", "/dispatch/v1/explain/i%2F1");
    expect(JSON.parse(instance.text)).toMatchObject({ kind: "worker", instance_id: "i/1" });
    for (const { text } of [answer, instance])
      expect(WIRE_SCHEMAS.Explanation.safeParse(JSON.parse(text)).error?.message).toBeUndefined();
    for (const id of [ID, "i/1"]) {
      const told = await tell(journal, id);
      if (!told) throw new Error(`nothing about ${id}`);
      const wire: unknown = JSON.parse(JSON.stringify(explanationToWire(told)));
      expect(explanationFromWire(wire)).toEqual(told);
    }
  });

  it("tells how things stood at a record or a time", async () => {
    const builder = new CoreBuilder({ maxInstances: 1 }).dispatching();
    builder.instance("i-1", "type1", [containerId(2)]);
    const beforeSeq = builder.core.seq;
    builder.nowMs += 1000;
    builder.container(ID);
    builder.plan();
    const waitingSeq = builder.core.seq;
    builder.nowMs += 60_000;
    builder.feed({ type: "container.missing", containerId: ID, basedOnSeq: waitingSeq });
    const journal = await journalOfBuilder(builder);
    const server = await openServer(builder, {
      view: { journal, explain: (id, _signal, atSeq) => tell(journal, id, { atSeq }) },
    });
    const ask = async (at: string) => {
      const { status, text } = await server.ask("GET", `/dispatch/v1/explain/${ID}?at=${at}`);
      return { status, ...(JSON.parse(text) as object) };
    };
    const asOf = "2026-01-02T03:04:06.678Z";
    const then = {
      status: 200,
      known: true,
      answer: { text: expect.stringMatching(/^waits: .* MaxInstances 1\.$/) },
      waits: [{ reason: "atMaxInstances", to_seq: null }],
      coverage: { to_seq: waitingSeq, as_of: asOf },
    };
    expect(await ask(String(waitingSeq))).toMatchObject(then);
    expect(await ask(asOf)).toMatchObject(then);
    expect(await ask("2026-01-02T03:05:00Z")).toMatchObject(then);
    expect(await ask("")).toMatchObject({ status: 200, known: false });
    expect(await ask(String(journal.lastSeq))).toMatchObject({ status: 200, known: false });
    expect(await ask(String(beforeSeq))).toMatchObject({
      status: 404,
      detail: expect.stringMatching(
        new RegExp(`names no container and no instance ${ID} up to record ${beforeSeq}$`),
      ),
    });
    const range = `to ${journal.lastSeq} (`;
    for (const at of ["0", String(journal.lastSeq + 1), "1999-01-01T00:00:00Z"])
      expect(await ask(at)).toMatchObject({
        status: 400,
        type: "urn:dispatch-cloud:problem:out-of-bounds",
        detail: expect.stringContaining(range),
      });
    expect(await ask("yesterday")).toMatchObject({
      status: 400,
      type: "urn:dispatch-cloud:problem:bad-parameter",
    });
  });

  it("says where it looked for what it does not know", async () => {
    const { server, journal } = await waiting();
    const answer = await server.ask("GET", "/dispatch/v1/explain/i-9");
    expect(answer.status).toBe(404);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(answer.text)).toMatchObject({
      type: "urn:dispatch-cloud:problem:unknown-subject",
      detail: `the journal (records 1 to ${journal.lastSeq}, since 2026-01-02T03:03:50.678Z) names no container and no instance i-9`,
    });
  });

  it("is closed without the token", async () => {
    const { server } = await waiting();
    const answer = await server.ask("GET", `/dispatch/v1/explain/${ID}`, { token: "none" });
    expect(answer.status).toBe(401);
  });

  it.each([
    [new BusyError("too many"), 503, "overloaded"],
    [new TimelineError("other-version", "record 3 cannot be folded"), 500, "journal-unreadable"],
  ])("answers %s with %i", async (error, status, code) => {
    const server = await openServer(undefined, { view: { explain: () => Promise.reject(error) } });
    const answer = await server.ask("GET", `/dispatch/v1/explain/${ID}`);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({
      type: `urn:dispatch-cloud:problem:${code}`,
      detail: error.message,
    });
  });
});
