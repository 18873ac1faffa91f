import { afterEach, beforeEach, expect, it } from "vitest";
import { makeAttemptTokens } from "../../src/http/attempt-tokens.ts";
import { serveEmbedded, TOKEN } from "../drivers/queue/serve.ts";
import { openWorkerBox, waitUntil, type WorkerBox } from "./worker-box.ts";

let served: Awaited<ReturnType<typeof serveEmbedded>>;
let box: WorkerBox;
let uuid: string;
let authId: string;

beforeEach(async () => {
  served = await serveEmbedded();
  box = openWorkerBox({ CRUNCH_RUN_WATCH_MS: "50" });
});
afterEach(async () => {
  await box.close();
  await served.close();
});

/** A container at a real queue, locked for its first attempt. */
function given(script: string): void {
  const { store } = served;
  const runtime_constraints = { vcpus: 1, ram: 1024 };
  const request = store.submit({ command: ["sh", "-c", script], runtime_constraints });
  const json = store.get("container_requests", request, ["container_uuid"]);
  uuid = (JSON.parse(json) as { container_uuid: string }).container_uuid;
  authId = store.authIdOf(TOKEN);
  store.lock(uuid, authId);
}

/** In the foreground, until it ends; returns its exit code. */
async function run(token: string): Promise<number | null> {
  const Env = { ARVADOS_API_HOST: served.baseUrl, ARVADOS_API_TOKEN: token };
  const stdin = JSON.stringify({ Env, KeepBuffers: 0, EC2SpotCheck: false, Cluster: null });
  return (await box.call(["--stdin-config", uuid], { stdin })).exit;
}

const tokenOf = (number: number): string =>
  makeAttemptTokens(TOKEN).tokenOf({ containerId: uuid, number });
const record = (): string => served.store.get("containers", uuid, null);
const output = (): string => box.dataFile("stdout.log", uuid);

it("a start that arrives when its container has been given back, and locked anew, does nothing", async () => {
  given("echo ran");
  const { store } = served;
  store.unlock(uuid, authId);
  expect(await run(tokenOf(1))).toBe(1);
  store.lock(uuid, authId);
  const before = record();
  expect(await run(tokenOf(1))).toBe(1);
  expect([record(), output()]).toEqual([before, ""]);
  expect(box.dataFile("crunch-run.log", uuid)).toContain("attempt 1 is over");
  expect(await run(tokenOf(2))).toBe(0);
  expect([JSON.parse(record()), output()]).toMatchObject([{ state: "Complete" }, "ran\n"]);
});

it("a runner whose container is cancelled at the queue stops its command and reports nothing", async () => {
  given("echo ran; sleep 1000; echo end");
  const ended = run(tokenOf(1));
  await waitUntil("its first line", () => output() === "ran\n");
  served.store.updateContainer(uuid, { state: "Cancelled" }, authId);
  const before = record();
  expect(await ended).toBe(1);
  expect([record(), output()]).toEqual([before, "ran\n"]);
});

it("a runner that an earlier version has started goes on by the root token", async () => {
  given("echo ran");
  expect(await run(TOKEN)).toBe(0);
  expect(JSON.parse(record())).toMatchObject({ state: "Complete", exit_code: 0 });
});
