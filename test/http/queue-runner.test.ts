import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeAttemptTokens } from "../../src/http/attempt-tokens.ts";
import { serveEmbedded, TOKEN } from "../drivers/queue/serve.ts";

const tokens = makeAttemptTokens(TOKEN);
const CURRENT = "api_client_authorizations/current";
const FINAL = { container: { state: "Complete", exit_code: 0, cost: 1.5 }, select: ["uuid"] };
const OVER = /^attempt 1 is over: /;
const NOT_FOR_RUNNERS = /^this token is for attempt 1 of /;

interface Answer {
  readonly status: number;
  /* eslint-disable-next-line @typescript-eslint/no-explicit-any */
  readonly body: any;
}

let served: Awaited<ReturnType<typeof serveEmbedded>>;
/** Locked once, and again as often as a test does. */
let own: string;
let other: string;

async function call(token: string, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${served.baseUrl}/arvados/v1/${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

const asRoot = (method: string, path: string, body?: object) => call(TOKEN, method, path, body);
/** The runner of an attempt at `own`. */
const asRunner = (method: string, path: string, body?: object, number = 1) =>
  call(tokens.tokenOf({ containerId: own, number }), method, path, body);
const update = (container: object, number = 1) =>
  asRunner("PUT", `containers/${own}`, { container, select: ["uuid"] }, number);
const record = async () => (await asRoot("GET", `containers/${own}`)).body;

async function submit(): Promise<string> {
  const container_request = { command: ["true"], runtime_constraints: { vcpus: 1, ram: 1024 } };
  const { body } = await asRoot("POST", "container_requests", { container_request });
  return body.container_uuid;
}

function expectRefused({ status, body }: Answer, message: RegExp): void {
  expect([status, body.errors.join()]).toEqual([403, expect.stringMatching(message)]);
}

/** Everything that a runner may ask for, and what it would change. */
const requests = (uuid: string): [method: string, path: string, body?: object][] => [
  ["GET", CURRENT],
  ["GET", `containers/${uuid}`],
  ["PUT", `containers/${uuid}`, { container: { cost: 9 }, select: ["uuid"] }],
  ["PATCH", `containers/${uuid}`, { container: { state: "Cancelled" } }],
  ["PUT", `containers/${uuid}`, { container: {} }],
  ["POST", `containers/${uuid}/unlock`],
];

beforeEach(async () => {
  served = await serveEmbedded();
  own = await submit();
  other = await submit();
  for (const uuid of [own, other]) await asRoot("POST", `containers/${uuid}/lock`);
});
afterEach(() => served.close());

describe("the runner of an attempt", () => {
  it("acts as who has locked its container, and is told what its token is good for", async () => {
    const { status, body } = await asRunner("GET", CURRENT);
    expect([status, body.uuid]).toEqual([200, (await record()).locked_by_uuid]);
    expect(body.scopes).toContain(`PUT /arvados/v1/containers/${own}`);
    expect(body.scopes).not.toContain("all");
  });

  it("reads its container and takes it from Locked to its end", async () => {
    expect((await asRunner("GET", `containers/${own}`)).body).toEqual(await record());
    expect((await update({ state: "Running" })).status).toBe(200);
    // Its answer was lost.
    expect((await update({ state: "Running" })).status).toBe(200);
    const progress = { runtime_status: { warning: "w" }, progress: 0.5, log: "l", output: "o" };
    expect((await update({ ...progress, cost: 1, subrequests_cost: 2 })).status).toBe(200);
    const end = { state: "Complete", exit_code: 3, cost: 1.5 };
    expect((await update(end)).body).toEqual({ uuid: own });
    expect(await record()).toMatchObject({ ...progress, ...end, subrequests_cost: 2 });
  });

  it("gives back what it has not begun, and only that", async () => {
    const path = `containers/${own}/unlock`;
    const { status, body } = await asRunner("POST", path);
    expect([status, body]).toEqual([200, { uuid: own, state: "Queued" }]);
    expectRefused(await asRunner("POST", path), OVER);
    await asRoot("POST", `containers/${own}/lock`);
    await update({ state: "Running" }, 2);
    expect((await asRunner("POST", path, undefined, 2)).status).toBe(422);
  });

  it("sets nothing but what a runner sets", async () => {
    const forbidden: [object, string][] = [
      [{ priority: 0 }, "priority"],
      [{ locked_by_uuid: "zzzzz-gj3su-000000000000000" }, "locked_by_uuid"],
      [{ started_at: "2026-01-02T03:04:05Z" }, "started_at"],
      [{ finished_at: null }, "finished_at"],
      [{ interactive_session_started: true }, "interactive_session_started"],
      [{ command: ["false"] }, "command"],
      [{ final_update: "x" }, "final_update"],
      [{ cost: 9, lock_count: 7 }, "lock_count"],
      [{ state: "Queued" }, `state "Queued"`],
      [{ state: "Locked" }, `state "Locked"`],
      [{ state: null }, "state null"],
    ];
    const before = await record();
    for (const [changes, named] of forbidden) {
      expectRefused(await update(changes), new RegExp(`^a runner may not .*${named}`));
    }
    // What the state does not allow is refused as to anybody.
    expect((await update({ state: "Complete", exit_code: 0 })).status).toBe(422);
    expect((await asRunner("PUT", `containers/${own}`, { container: 7 })).status).toBe(422);
    expect((await asRunner("PUT", `containers/${own}`)).status).toBe(422);
    expect(await record()).toEqual(before);
  });

  it("is refused whatever else there is", async () => {
    const elsewhere: [string, string, object?][] = [
      ...requests(other).slice(1),
      ["GET", "containers"],
      ["GET", `containers?filters=${encodeURIComponent(`[["uuid","=","${own}"]]`)}`],
      ["POST", `containers/${own}/lock`],
      ["DELETE", `containers/${own}`],
      ["POST", `containers/${own}`],
      ["GET", `containers/${own}/unlock`],
      ["POST", CURRENT],
      ["GET", "containers/zzzzz-dz642-nosuchcontainer"],
      ["GET", "container_requests"],
      ["POST", "container_requests", { container_request: {} }],
      ["GET", "container_requests/zzzzz-xvhdp-000000000000000"],
      ["PATCH", "container_requests/zzzzz-xvhdp-000000000000000", { container_request: {} }],
    ];
    const before = await asRoot("GET", "containers");
    for (const [method, path, body] of elsewhere) {
      expectRefused(await asRunner(method, path, body), NOT_FOR_RUNNERS);
    }
    expect(await asRoot("GET", "containers")).toEqual(before);
  });

  it("of an earlier attempt reads and changes nothing", async () => {
    await asRoot("POST", `containers/${own}/unlock`);
    // Also before anybody has locked it again.
    for (const request of requests(own)) expectRefused(await asRunner(...request), OVER);
    await asRoot("POST", `containers/${own}/lock`);
    const before = await record();
    for (const request of requests(own)) expectRefused(await asRunner(...request), OVER);
    await update({ state: "Running" }, 2);
    for (const request of requests(own)) expectRefused(await asRunner(...request), OVER);
    expect((await record()).lock_count).toBe(before.lock_count);
  });

  it("of an attempt that is not there yet is refused too", async () => {
    for (const [method, path, body] of requests(own)) {
      expect((await asRunner(method, path, body, 2)).status).toBe(403);
    }
  });

  it("is refused once its container was cancelled", async () => {
    await update({ state: "Running" });
    await asRoot("PUT", `containers/${own}`, { container: { state: "Cancelled" } });
    for (const request of requests(own)) expectRefused(await asRunner(...request), OVER);
    // It did not say this: who repeats it has said nothing before.
    expectRefused(await update({ state: "Cancelled" }), OVER);
    expectRefused(await update({ state: "Running" }), OVER);
  });

  it("may repeat the update that ended its container, and that only", async () => {
    await update({ state: "Running" });
    const path = `containers/${own}`;
    const answer = await asRunner("PUT", path, FINAL);
    const before = await record();
    for (let i = 0; i < 3; i++) expect(await asRunner("PUT", path, FINAL)).toEqual(answer);
    for (const request of requests(own)) expectRefused(await asRunner(...request), OVER);
    const others = [
      { ...FINAL, container: { ...FINAL.container, cost: 2 } },
      { ...FINAL, container: { state: "Complete", exit_code: 0 } },
      { ...FINAL, container: { state: "Cancelled" } },
      // It would be answered more than the first time.
      { ...FINAL, select: ["uuid", "environment"] },
      { container: FINAL.container },
    ];
    for (const body of others) expectRefused(await asRunner("PUT", path, body), OVER);
    expect(await record()).toEqual(before);
  });

  it("may not repeat its end when that has been undone", async () => {
    await update({ state: "Running" });
    const path = `containers/${own}`;
    await asRunner("PUT", path, FINAL);
    await asRoot("PUT", path, { container: { state: "Cancelled" } });
    expectRefused(await asRunner("PUT", path, FINAL), OVER);
  });

  it("learns that its container is gone", async () => {
    const token = tokens.tokenOf({ containerId: "zzzzz-dz642-nosuchcontainer", number: 1 });
    const path = "containers/zzzzz-dz642-nosuchcontainer";
    expect((await call(token, "GET", path)).status).toBe(404);
    expect((await call(token, "PUT", path, FINAL)).status).toBe(404);
  });
});

describe("a token that is nobody's", () => {
  it("is not logged in, whatever it looks like", async () => {
    const token = tokens.tokenOf({ containerId: own, number: 1 });
    const garbage = [
      token.slice(0, -1),
      token.replace(own, other),
      token.replace("-1/", "-2/"),
      makeAttemptTokens("another-token").tokenOf({ containerId: own, number: 1 }),
    ];
    for (const wrong of garbage)
      for (const request of requests(own)) expect((await call(wrong, ...request)).status).toBe(401);
  });
});

describe("the root token", () => {
  it("goes on doing everything: runners of earlier versions have it", async () => {
    expect((await asRoot("PUT", `containers/${own}`, { container: { state: "Running" } })).status)
      // In whatever attempt.
      .toBe(200);
    expect((await asRoot("PUT", `containers/${own}`, FINAL)).status).toBe(200);
    expect((await asRoot("PUT", `containers/${own}`, FINAL)).status).toBe(200);
    expect((await record()).state).toBe("Complete");
  });

  it("is told the attempt with the lock, if it asks for it", async () => {
    await asRoot("POST", `containers/${own}/unlock`);
    const select = ["uuid", "state", "lock_count"];
    const { body } = await asRoot("POST", `containers/${own}/lock`, { select });
    expect(body).toEqual({ uuid: own, state: "Locked", lock_count: 2 });
  });
});
