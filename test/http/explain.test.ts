import { describe, expect, it } from "vitest";
import { ExplainError } from "../../src/actors/explain.ts";
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
    view: { journal, explain: (id) => tell(journal, id) },
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
    [new ExplainError("record 3 cannot be folded"), 500, "journal-unreadable"],
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
