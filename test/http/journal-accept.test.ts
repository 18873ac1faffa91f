import { rmSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { Alarms } from "../../src/cli/daemon/alarms.ts";
import { makeAccept } from "../../src/cli/daemon/journal-watch.ts";
import { JournalError, type Journal } from "../../src/drivers/journal/port.ts";
import { journalAcceptAnswerSchema } from "../../src/http/wire/actions.ts";
import { appendBatches, makeFilePlace } from "../drivers/journal/place.ts";
import { openServer, TOKEN, type Ask, type TestServer } from "./test-server.ts";

const PATH = "/dispatch/v1/journal/accept";
const NOW_MS = Date.parse("2026-03-04T05:06:07Z");

/** A journal that was lost with 30 records in it, behind the app. */
async function openLost(): Promise<{ server: TestServer; journal: Journal; alarms: Alarms }> {
  const place = await makeFilePlace();
  const before = place.open({ ballastBytes: 0 });
  await appendBatches(before, 10, 20);
  await before.close();
  rmSync(place.path);
  const journal = place.open({ ballastBytes: 0 });
  onTestFinished(async () => {
    await journal.close();
    await place.remove();
  });
  const clock = { nowMs: () => NOW_MS, setTimer: () => () => {} };
  const alarms = new Alarms(clock.nowMs);
  alarms.set("journal-missing", "records are missing");
  const acceptJournal = makeAccept({ journal, alarms, clock });
  return { server: await openServer(undefined, { acceptJournal }), journal, alarms };
}

async function post(server: TestServer, body?: unknown, options: Ask = {}) {
  const answer = await server.ask("POST", PATH, {
    headers: { "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...options,
  });
  return { status: answer.status, json: JSON.parse(answer.text), headers: answer.headers };
}

describe("POST /dispatch/v1/journal/accept", () => {
  it("records by whom and why, ends the alarm, and says what it was about", async () => {
    const { server, journal, alarms } = await openLost();
    const { status, json } = await post(server, { by: "ann@desk", reason: "the disk was new" });
    expect(status).toBe(200);
    expect(journalAcceptAnswerSchema.parse(json)).toEqual({
      request: "accept",
      changed: true,
      accepted: [{ cause: "lost", at: expect.any(String), last_seq: 0, written_seq: 30 }],
    });
    expect(journal.breaks).toMatchObject([
      { accepted: { by: "ann@desk", reason: "the disk was new", atMs: NOW_MS } },
    ]);
    expect(alarms.list()).toEqual([]);
    expect(server.log).toContainEqual({
      message: "journal accepted",
      fields: { By: "ann@desk", Reason: "the disk was new" },
    });
  });

  it("answers 200 where there is nothing to accept, and changes nothing", async () => {
    const { server, journal } = await openLost();
    await post(server, { by: "ann" });
    const again = await post(server, { by: "bob" });
    expect(again).toMatchObject({
      status: 200,
      json: { request: "accept", changed: false, accepted: [] },
    });
    expect(journal.breaks).toMatchObject([{ accepted: { by: "ann", reason: "" } }]);
  });

  it.each<[string, number, unknown, Ask]>([
    ["no token", 401, { by: "ann" }, { token: "none" }],
    ["another token", 403, { by: "ann" }, { headers: { Authorization: "Bearer another" } }],
    ["an unknown member", 400, { by: "ann", force: true }, {}],
    ["a number for a name", 400, { by: 1 }, {}],
    ["two lines", 400, { reason: "a\nb" }, {}],
    ["a long reason", 400, { reason: "x".repeat(1_001) }, {}],
    ["a long name", 400, { by: "x".repeat(201) }, {}],
    ["a list", 400, [], {}],
    ["a form", 415, undefined, { headers: { "Content-Type": "text/plain" }, body: "by=ann" }],
  ])("refuses %s, and accepts nothing", async (_what, status, body, options) => {
    const { server, journal, alarms } = await openLost();
    const answer = await post(server, body, options);
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(journal.breaks).toMatchObject([{ cause: "lost", accepted: null }]);
    expect(alarms.list()).toHaveLength(1);
  });

  it("is a POST, of a dispatcher that may be changed and a journal that can be written", async () => {
    const accepted: string[] = [];
    const acceptJournal = async (by: string) => {
      accepted.push(by);
      throw new JournalError("diskFull", "/x/journal.db: the disk is full");
    };
    const server = await openServer(undefined, { acceptJournal });
    expect((await server.ask("GET", PATH)).status).toBe(405);
    expect(await post(server, {})).toMatchObject({
      status: 503,
      json: {
        type: "urn:dispatch-cloud:problem:journal-unavailable",
        detail: "/x/journal.db: the disk is full",
      },
      headers: { "retry-after": "5" },
    });
    expect(accepted).toHaveLength(1);
    for (const changes of [{ readOnly: true }, { writable: () => false }]) {
      const closed = await openServer(undefined, { acceptJournal, ...changes });
      expect((await post(closed, {})).status).toBe("readOnly" in changes ? 403 : 503);
    }
    expect(accepted).toHaveLength(1);
    expect(JSON.stringify(server.log)).not.toContain(TOKEN);
  });
});
