import Database from "libsql";
import { afterEach, expect } from "vitest";
import { makeArvadosQueue } from "../../../../src/drivers/queue/arvados/queue.ts";
import type { QueueError } from "../../../../src/drivers/queue/port.ts";
import { forgets, localChange, lockOfUnknown } from "../../../support/local-changes.ts";
import { describeScenarios, type Scenario } from "../../scenarios.ts";
import { makeClient, serveEmbedded, serveScript, type RecordedRequest } from "../serve.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const signal = new AbortController().signal;
const AUTH = "zzzzz-gj3su-077z32aux8dg2s1";
const idOf = (n: number) => `zzzzz-dz642-${String(n).padStart(15, "0")}`;
const row = (uuid: string, extra: object = {}) => ({
  uuid,
  state: "Queued",
  priority: 1,
  ...extra,
});

interface Script {
  /** Successive pages; empty ones ever after. */
  readonly mine?: object[][];
  readonly avail?: object[][];
  readonly byId?: (request: RecordedRequest) => object[];
}

async function startScripted({ mine = [], avail = [], byId = () => [] }: Script) {
  const pages = { mine: [...mine], avail: [...avail] };
  const items = (request: RecordedRequest) => {
    const filters = request.params["filters"] ?? "";
    if (filters.includes("locked_by_uuid")) return pages.mine.shift() ?? [];
    if (filters.includes(`"state"`)) return pages.avail.shift() ?? [];
    return byId(request);
  };
  const script = await serveScript((request) => {
    if (request.path.endsWith("/current")) return { body: { uuid: AUTH } };
    if (request.path.endsWith("/containers")) return { body: { items: items(request) } };
    if (request.params["select"] === '["mounts"]') return { body: { mounts: {} } };
    return { body: row(request.path.split("/")[4] ?? "", { state: "Locked" }) };
  });
  const client = makeClient(script.baseUrl);
  closers.push(script.close, () => client.close());
  return { queue: makeArvadosQueue({ client }), requests: script.requests };
}

async function startEmbedded(options?: { attemptsMax: number }) {
  const served = await serveEmbedded(options);
  closers.push(served.close);
  const constraints = { vcpus: 1, ram: 1024 ** 3 };
  const submit = () => {
    const request = { command: ["true"], runtime_constraints: constraints };
    const requestId = served.store.submit(request);
    const text = served.store.get("container_requests", requestId, ["container_uuid"]);
    return (JSON.parse(text) as { container_uuid: string }).container_uuid;
  };
  const record = (containerId: string) =>
    JSON.parse(served.store.get("containers", containerId, null)) as {
      state: string;
      runtime_status: { error?: string };
    };
  return { ...served, submit, record, queue: makeArvadosQueue({ client: served.client }) };
}

const comparable = ({ method, path, params }: RecordedRequest) => ({ method, path, params });

async function lockAndUnlock({ then }: Scenario) {
  const { queue, submit } = await startEmbedded();
  submit();
  submit();
  const { entries } = await queue.poll([], signal);
  expect(entries.size).toBe(2);
  for (const [containerId, record] of entries) {
    expect(record.state).toBe(then.asserted.every_entry.state);
    expect(BigInt(record.priority)).toBeGreaterThan(BigInt(then.asserted.every_entry.priority_gt));
    for (const { op, error, error_matches, cached_state } of then.asserted.sequence) {
      const call = {
        Lock: () => queue.lock(containerId, signal),
        Unlock: () => queue.unlock(containerId, signal),
        Cancel: () => queue.cancel(containerId, undefined, signal),
      }[op as "Lock" | "Unlock" | "Cancel"]();
      if (error === null) expect((await call).state).toBe(cached_state);
      else await expect(call).rejects.toThrow(error_matches ?? "request failed");
    }
  }
}

async function cancelWithError({ then }: Scenario) {
  const { queue, submit, record } = await startEmbedded();
  const containerId = submit();
  await queue.poll([], signal);
  await queue.cancel(containerId, then.asserted.runtime_status_error, signal);
  expect(record(containerId)).toMatchObject({
    state: then.asserted.eventual_api_state,
    runtime_status: { error: then.asserted.runtime_status_error },
  });
}

async function cancelInvalidMounts({ then }: Scenario) {
  const { queue, submit, record, path } = await startEmbedded();
  const containerId = submit();
  const db = new Database(path);
  db.prepare("UPDATE containers SET mounts = ?").run(`{"stdin":["bork"]}`);
  db.close();
  const error = await queue.tmpMounts(containerId, signal).catch((e: unknown) => e as QueueError);
  expect(error).toMatchObject({ name: "QueueError", undecodable: true });
  await queue.cancel(containerId, (error as QueueError).failure.message, signal);
  expect(record(containerId).state).toBe(then.asserted.eventual_api_state);
  expect(record(containerId).runtime_status.error).toMatch(
    new RegExp(then.asserted.runtime_status_error_regex as string),
  );
}

async function firstPollRequests({ given, then }: Scenario) {
  const { queue, requests } = await startScripted({
    mine: [given.mine.map((id: string) => row(id, { state: "Locked" }))],
    avail: [given.avail.map((id: string) => row(id))],
  });
  const { entries } = await queue.poll([], signal);
  for (const containerId of entries.keys()) await queue.tmpMounts(containerId, signal);
  const expected = (then.requests as RecordedRequest[]).map(({ method, path, params }) => {
    const { response: _response, ...sent } = params as Record<string, string>;
    return { method, path, params: sent };
  });
  // The case writes `order=uuid` and all parameters as they are sent.
  expect(requests.map(comparable)).toEqual(expected);
}

async function availStopsAt100({ then }: Scenario) {
  const supervisor = { scheduling_parameters: { supervisor: true } };
  const page1 = Array.from({ length: 60 }, (_, i) => row(idOf(i)));
  const page2 = Array.from({ length: 50 }, (_, i) => row(idOf(100 + i), i < 5 ? supervisor : {}));
  const { queue, requests } = await startScripted({ avail: [page1, page2, [row(idOf(999))]] });
  const { entries } = await queue.poll([], signal);
  const avail = requests.filter(({ params }) => params["order"] === "priority desc");
  expect(avail).toHaveLength(then.avail_requests);
  expect(entries.size).toBe(then.kept);
}

async function missingBatches({ given, then }: Scenario) {
  const open = Array.from({ length: given.cache[0].n as number }, (_, i) => idOf(i));
  const byId = ({ params }: RecordedRequest) => {
    const [within, after] = JSON.parse(params["filters"] ?? "") as [
      [string, string, string[]],
      string[]?,
    ];
    return within[2].filter((id) => id > (after?.[2] ?? "")).map((id) => row(id));
  };
  const { queue, requests } = await startScripted({ byId });
  const { entries, deleted } = await queue.poll(open, signal);
  expect(entries.size).toBe(open.length);
  expect(deleted.size).toBe(0);
  const batches = requests.filter(({ params }) => params["filters"]?.includes(`"in"`));
  const [first, second] = batches;
  const ids = open.slice(0, then.first_batch_size);
  expect(first?.params["filters"]).toBe(JSON.stringify([["uuid", "in", ids]]));
  expect(first?.params["order"]).toBe(then.order);
  expect(first?.params["count"]).toBe(then.count);
  expect(first?.params).not.toHaveProperty("limit");
  expect(second?.params["filters"]).toBe(
    JSON.stringify([
      ["uuid", "in", ids],
      ["uuid", ">", ids.at(-1)],
    ]),
  );
  expect(second?.method).toBe("POST");
  expect(second?.headers["x-http-method-override"]).toBe("GET");
  // 20, 20 and 5, each with the empty page that ends it.
  expect(batches).toHaveLength(6);
}

async function missingDeleted({ given, then }: Scenario) {
  const { queue } = await startScripted({ byId: () => given.by_uuid_response });
  const [containerId] = given.cache as string[];
  const poll = await queue.poll([containerId ?? ""], signal);
  expect([...poll.deleted]).toEqual(then.dropped);
  expect(poll.entries.size).toBe(0);
}

async function missingUnexpected({ given, then }: Scenario) {
  const byId = () => given.by_uuid_response.map((id: string) => row(id));
  const { queue } = await startScripted({ byId });
  const [containerId] = given.cache as string[];
  await expect(queue.poll([containerId ?? ""], signal)).rejects.toThrow(then.error);
}

async function missingFinalState({ given, then }: Scenario) {
  const [{ uuid: containerId }] = given.cache;
  let asked = 0;
  const byId = () => (asked++ === 0 ? given.by_uuid_response : []);
  const { queue } = await startScripted({ byId });
  const first = await queue.poll([containerId], signal);
  expect(first.entries.get(containerId)?.state).toBe(then.cached_state);
  const askedBefore = asked;
  const second = await queue.poll([], signal);
  expect(second.entries.size).toBe(0);
  expect(second.deleted.size).toBe(0);
  expect(asked).toBe(askedBefore);
}

async function cancelUnsatisfiable({ given, then }: Scenario) {
  const { uuid, state } = given.container;
  const { queue, requests } = await startScripted({ avail: [[row(uuid, { state })]] });
  await queue.poll([], signal);
  const before = requests.length;
  const error = "constraints not satisfiable by any configured instance type";
  await queue.cancel(uuid, error, signal);
  expect(requests.slice(before).map(comparable)).toEqual(
    then.requests.map(({ form, ...rest }: { form: object }) => ({ ...rest, params: form })),
  );
}

async function unlockHitsMaxAttempts({ given, then }: Scenario) {
  const attemptsMax = given.MaxDispatchAttempts;
  const { queue, submit, record } = await startEmbedded({ attemptsMax });
  const containerId = submit();
  for (let attempt = 1; attempt < given.container.lock_count; attempt++) {
    await queue.lock(containerId, signal);
    expect((await queue.unlock(containerId, signal)).state).toBe("Queued");
  }
  await queue.lock(containerId, signal);
  expect((await queue.unlock(containerId, signal)).state).toBe(then.response_state);
  expect(record(containerId).runtime_status.error).toContain(`(lock_count=${attemptsMax})`);
}

describeScenarios("container.queue.json", {
  runs: {
    "arv.queue.get_lock_unlock_cancel": lockAndUnlock,
    "arv.queue.cancel_no_instance_type": cancelWithError,
    "arv.queue.cancel_invalid_mounts": cancelInvalidMounts,
    "drv.queue.first_poll_requests": firstPollRequests,
    "drv.queue.avail_stops_at_100": availStopsAt100,
    "drv.queue.missing_batches": missingBatches,
    "drv.queue.missing_deleted": missingDeleted,
    "drv.queue.missing_unexpected": missingUnexpected,
    "drv.queue.missing_final_state": missingFinalState,
    "drv.queue.cancel_unsatisfiable_requests": cancelUnsatisfiable,
    "drv.queue.unlock_hits_max_attempts": unlockHitsMaxAttempts,
    "drv.queue.dontupdate": localChange,
    "drv.queue.dontupdate_not_expunged": localChange,
    "drv.queue.lock_response_unknown_uuid": lockOfUnknown,
    "drv.queue.forget": forgets,
  },
});
