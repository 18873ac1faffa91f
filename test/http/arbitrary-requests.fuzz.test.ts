import fc from "fast-check";
import { expect, it } from "vitest";
import { ENDPOINTS } from "../../src/http/openapi.ts";
import { isOwnPath } from "../../src/http/problem.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { openServer, type Answer, type Ask, type TestServer } from "./test-server.ts";

const SECRET = "k9SecretThatNobodyMayRead";
/** Of each of the two kinds; more by night. */
const RUNS = Math.ceil(Number(process.env["FUZZ_REQUESTS"] ?? "600") / 2);
const BASE = "/arvados/v1/dispatch";
const MANAGEMENT = [
  ...["containers", "container", "containers/kill", "instances"].map((end) => `${BASE}/${end}`),
  ...["hold", "drain", "run", "kill"].map((end) => `${BASE}/instances/${end}`),
  ...["/metrics", "/metrics.json", "/_health/ping", "/_inspect/requests"],
];
const OWN = [
  ...ENDPOINTS.filter(({ answer }) => answer !== "EventStream").map(({ path }) => path),
  ...["/status", "/workers", "/containers", "/stop", "/explain/i-1"],
].map((path) => `/dispatch/v1${path}`);

interface Request {
  readonly method: string;
  readonly path: string;
  readonly ask: Ask;
}

/** What can stand in a request line. */
const wild = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => encodeURIComponent(text)),
  fc.stringMatching(/^[!-~]{0,15}$/),
  fc.constantFrom(
    "%",
    "%zz",
    "%00",
    "%ff",
    "..",
    "//",
    "?",
    "#",
    "i-1",
    "0",
    "-1",
    "1e9",
    "9".repeat(30),
  ),
  fc.constantFrom(containerId(1), "x".repeat(3_000), "__proto__", "constructor"),
);
const path = fc.oneof(
  fc
    .tuple(fc.constantFrom(...MANAGEMENT, ...OWN), wild, wild)
    .map(([known, id, end]) => known.replaceAll(/\{\w+\}/g, id) + (known.includes("{") ? "" : end)),
  fc.tuple(fc.constantFrom(...OWN), wild).map(([known, id]) => known.replaceAll(/\{\w+\}/g, id)),
  fc.constantFrom(...MANAGEMENT),
  fc.array(wild, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
);
const name = fc.constantFrom(
  ..."instance_id container_uuid reason at from to limit bins noise actor state after".split(" "),
);
const query = fc
  .array(fc.tuple(fc.oneof(name, wild), wild), { maxLength: 3 })
  .map((all) => (all.length === 0 ? "" : `?${all.map((pair) => pair.join("=")).join("&")}`));
const body = fc.oneof(
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.json({ maxDepth: 2 }),
  fc.tuple(name, wild).map((pair) => pair.join("=")),
  fc.constantFrom("{", "x".repeat(70_000), '{"reason":1}', '{"__proto__":{}}', '{"drain":"yes"}'),
);
const header = fc.oneof(
  fc.tuple(
    fc.constant("Content-Type"),
    fc.constantFrom(
      ..."application/json|application/x-www-form-urlencoded|multipart/form-data|multipart/form-data; boundary=x|text/plain; charset=nowhere|/".split(
        "|",
      ),
    ),
  ),
  fc.tuple(
    fc.constantFrom(
      ..."Content-Type Content-Encoding Cookie Accept Range X-Request-Id Last-Event-ID Host Origin".split(
        " ",
      ),
    ),
    fc.oneof(
      fc.stringMatching(/^[ -~]{0,20}$/),
      fc.constantFrom("gzip", "br", "deflate", "bytes=9-"),
    ),
  ),
);
const request: fc.Arbitrary<Request> = fc
  .record({
    method: fc.constantFrom("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"),
    path: fc.tuple(path, query).map((parts) => parts.join("")),
    headers: fc.array(header, { maxLength: 3 }).map((all) => Object.fromEntries(all)),
    body,
  })
  .map(({ method, path: target, headers, body: text }) => ({
    method,
    path: target,
    // Node's client gives the length of a body with these only.
    ask: { headers, ...(/^P/.test(method) ? { body: text } : {}) },
  }));

/** Ways not to be let in. */
const stranger = fc.oneof(
  fc.constant({}),
  fc
    .oneof(wild, fc.constantFrom(SECRET.slice(0, -1), `${SECRET}x`, SECRET.toLowerCase(), ""))
    .chain((guess) =>
      fc.constantFrom(`Bearer ${guess}`, `OAuth2 ${guess}`, `Basic ${guess}`, guess),
    )
    .map((text) => ({ Authorization: text })),
);

async function open(): Promise<TestServer> {
  const builder = new CoreBuilder().dispatching().instance("i-1", "type1", [containerId(1)]);
  return openServer(builder, { managementToken: SECRET });
}

function expectInWords({ status, text, headers }: Answer, { method, path: target }: Request): void {
  expect([status < 500, text]).toEqual([true, text]);
  expect(text + JSON.stringify(headers)).not.toContain(SECRET);
  if (status < 400 || method === "HEAD") return;
  const type = headers["content-type"] ?? "";
  if (isOwnPath(target.split("?")[0] ?? "")) {
    expect(type).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(text)).toMatchObject({
      type: expect.stringMatching(/^urn:dispatch-cloud:problem:[a-z-]+$/),
      status,
      detail: expect.stringMatching(/\S/),
    });
  } else if (type.startsWith("application/json")) {
    expect(JSON.parse(text)).toEqual({ errors: [expect.stringMatching(/\S/)] });
  } else {
    // The drop-in endpoints refuse as the original does.
    expect(type).toMatch(/^text\/plain/);
    expect(text).not.toBe("");
  }
}

it("any request with the token is answered in words, and asks for no more than it says", async () => {
  const server = await open();
  const headers = { Authorization: `Bearer ${SECRET}` };
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      server.facts.length = 0;
      const ask = { ...given.ask, headers: { ...given.ask.headers, ...headers } };
      const answer = await server.ask(given.method, given.path, ask);
      expectInWords(answer, given);
      seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
      const isDone = given.method === "POST" && answer.status < 300;
      expect(server.facts.length).toBeLessThanOrEqual(isDone ? 1 : 0);
      for (const fact of server.facts) {
        const subject = "workerId" in fact ? fact.workerId : containerId(1);
        const known = server.builder.readModel.workerOf("i-1")?.context.workerId;
        expect([known, containerId(1)]).toContain(subject);
      }
    }),
    { numRuns: RUNS },
  );
  for (const status of [200, 400, 404, 405]) expect([...seen.keys()]).toContain(status);
});

it("any request without the token is refused, and asks for nothing", async () => {
  const server = await open();
  await fc.assert(
    fc.asyncProperty(request, stranger, async (given, wrong) => {
      const ask = {
        ...given.ask,
        token: "none" as const,
        headers: { ...given.ask.headers, ...wrong },
      };
      const answer = await server.ask(given.method, given.path, ask);
      expectInWords(answer, given);
      expect([400, 401, 403, 404, 405, 408, 413, 415, 431]).toContain(answer.status);
      expect(server.facts).toEqual([]);
    }),
    { numRuns: RUNS },
  );
  expect(JSON.stringify(server.log)).not.toContain(SECRET);
});
