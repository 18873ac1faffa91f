import { expect, describe, it } from "vitest";
import { parseLossless } from "../../src/drivers/queue/arvados/json.ts";
import { makeAttemptTokens } from "../../src/http/attempt-tokens.ts";
import { FailedTokens } from "../../src/http/failed-tokens.ts";
import { ENDPOINTS } from "../../src/http/openapi.ts";
import { makeQueueRoutes } from "../../src/http/queue-routes.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { serveEmbedded, TOKEN as ROOT } from "../drivers/queue/serve.ts";
import { openServer, TOKEN } from "./test-server.ts";

const REQUEST = { command: ["true"], runtime_constraints: { vcpus: 1, ram: 1024 } };
const JSON_TYPE = { "Content-Type": "application/json" };

type Request = readonly [method: string, path: string, body?: object | undefined];

/** The whole service, with two containers locked in their first attempt, and the token of one of them. */
async function robbed() {
  const { store, close } = await serveEmbedded();
  const authId = store.authIdOf(ROOT);
  const submit = (): string => {
    const request = store.submit(REQUEST);
    const json = store.get("container_requests", request, ["container_uuid"]);
    const { container_uuid: uuid } = JSON.parse(json) as { container_uuid: string };
    store.lock(uuid, authId);
    return uuid;
  };
  const [own, other] = [submit(), submit()];
  const tokens = makeAttemptTokens(ROOT);
  const noted: string[] = [];
  const failedTokens = new FailedTokens({ nowMs: () => 0, delayMaxMs: 1 });
  const note = failedTokens.note.bind(failedTokens);
  failedTokens.note = (address) => {
    noted.push(address);
    return note(address);
  };
  const builder = new CoreBuilder().dispatching().instance("i-1", "type1");
  builder.container(own).container(other);
  const queueTokens = [ROOT, TOKEN];
  const server = await openServer(builder, {
    queueRoutes: makeQueueRoutes({
      store,
      tokens: queueTokens,
      rootToken: ROOT,
      parseJson: parseLossless,
    }),
    queueTokens,
    isRunnerToken: (token) => tokens.attemptOf(token) !== undefined,
    failedTokens,
  });
  const record = (uuid: string): string => store.get("containers", uuid, null);
  const token = tokens.tokenOf({ containerId: own, number: 1 });
  return { server, own, other, record, token, noted, close };
}

/** All that the OpenAPI document has, with names that exist here. */
function documented(own: string): Request[] {
  const bodies: Readonly<Record<string, object>> = {
    ActionBody: { reason: "stolen" },
    StopBody: { drain: false, reason: "stolen" },
    JournalAcceptBody: { by: "me", reason: "stolen" },
  };
  return ENDPOINTS.flatMap(({ method, path, body }) => {
    const ids = path.startsWith("/workers") ? ["i-1"] : [own, "supervisor"];
    return ids.map((id): Request => {
      const filled = path.replace("{seq}", "1").replace(/\{\w+\}/, id);
      return [method.toUpperCase(), `/dispatch/v1${filled}`, body && bodies[body]];
    });
  });
}

/** What is there beside it (docs/http-api.md: drop-in endpoints, and the queue). */
const others = (own: string, other: string): Request[] => [
  ["GET", "/metrics"],
  ["GET", "/metrics.json"],
  ["GET", "/_health/ping"],
  ["GET", "/_inspect/requests"],
  ["GET", "/arvados/v1/dispatch/containers"],
  ["GET", `/arvados/v1/dispatch/container?container_uuid=${own}`],
  ["POST", `/arvados/v1/dispatch/containers/kill?container_uuid=${own}`],
  ["GET", "/arvados/v1/dispatch/instances"],
  ...["hold", "drain", "run", "kill"].map((action): Request => [
    "POST",
    `/arvados/v1/dispatch/instances/${action}?instance_id=i-1`,
  ]),
  ["GET", "/arvados/v1/containers"],
  ["GET", `/arvados/v1/containers/${other}`],
  ["PUT", `/arvados/v1/containers/${other}`, { container: { state: "Cancelled" } }],
  ["PUT", `/arvados/v1/containers/${own}`, { container: { priority: 1 } }],
  ["POST", `/arvados/v1/containers/${own}/lock`],
  ["POST", `/arvados/v1/containers/${other}/unlock`],
  ["GET", "/arvados/v1/container_requests"],
  ["POST", "/arvados/v1/container_requests", { container_request: REQUEST }],
];

describe("a stolen token of an attempt", () => {
  it("is good for its container alone, of all that this service has", async () => {
    const { server, own, other, record, token, noted, close } = await robbed();
    const before = [own, other].map(record);
    const ways: Record<string, string>[] = [
      { Authorization: `Bearer ${token}` },
      { Authorization: `OAuth2 ${token}` },
      { Authorization: `Basic ${Buffer.from(`:${token}`).toString("base64")}` },
      {
        Authorization: "",
        Cookie: `arvados_api_token=${Buffer.from(token).toString("base64url")}`,
      },
    ];
    for (const [method, path, body] of [...documented(own), ...others(own, other)])
      for (const way of ways) {
        const headers = { ...JSON_TYPE, ...way };
        const answer = await server.ask(method, path, {
          headers,
          ...(method === "GET" ? {} : { body: JSON.stringify(body ?? {}) }),
        });
        expect([401, 403], `${method} ${path}: ${answer.text}`).toContain(answer.status);
        expect(answer.text).not.toContain(token);
      }
    expect([own, other].map(record)).toEqual(before);
    expect(server.facts).toEqual([]);
    // It is known here: who has it is not kept waiting.
    expect(noted).toEqual([]);
    expect(JSON.stringify(server.log)).not.toContain(token);
    const headers = { Authorization: `Bearer ${token}` };
    expect((await server.ask("GET", `/arvados/v1/containers/${own}`, { headers })).status).toBe(
      200,
    );
    await close();
  });

  it("counts as a wrong token when a letter of it is wrong", async () => {
    const { server, own, token, noted, close } = await robbed();
    const wrong = token.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    const headers = { Authorization: `Bearer ${wrong}` };
    for (const path of [`/arvados/v1/containers/${own}`, "/dispatch/v1/status"])
      expect([401, 403]).toContain((await server.ask("GET", path, { headers })).status);
    expect(noted).toHaveLength(2);
    await close();
  });
});
