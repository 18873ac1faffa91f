import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listSql } from "../../../../src/drivers/queue/embedded/list-query.ts";
import { QueueStoreError, type QueueStore } from "../../../../src/drivers/queue/embedded/port.ts";
import { openQueueStore } from "../../../../src/drivers/queue/embedded/store.ts";
import { makeCountingClock } from "../serve.ts";

const OURS = "zzzzz-gj3su-000000000000001";
const THEIRS = "zzzzz-gj3su-000000000000002";
const REQUEST = { command: ["true"], runtime_constraints: { vcpus: 1, ram: 1024 } };

let folder: string;
let path: string;
let store: QueueStore;

function open(attemptsMax = 3): QueueStore {
  return openQueueStore({ path, clusterId: "zzzzz", attemptsMax, ...makeCountingClock() });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "queue-store-"));
  path = join(folder, "queue.db");
  store = open();
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const record = (id: string) =>
  JSON.parse(store.get("containers", id, null)) as Record<string, unknown>;
const requestOf = (id: string) =>
  JSON.parse(store.get("container_requests", id, null)) as Record<string, string>;

function submit(extra: object = {}) {
  const requestId = store.submit({ ...REQUEST, ...extra });
  return { requestId, id: requestOf(requestId)["container_uuid"] ?? "" };
}

function submitRunning() {
  const made = submit();
  store.lock(made.id, OURS);
  store.updateContainer(made.id, { state: "Running", gateway_address: "10.0.0.1:22" }, OURS);
  return made;
}

function refusal(work: () => unknown): QueueStoreError {
  try {
    work();
  } catch (error) {
    if (error instanceof QueueStoreError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

function expectRefusal(work: () => unknown, message: string, status = 422) {
  const error = refusal(work);
  expect(error.message).toBe(message);
  expect(error.status).toBe(status);
}

describe("the embedded queue's store", () => {
  it("makes one container for each request, with uuids of the cluster and Arvados' defaults", () => {
    const { requestId, id } = submit({
      name: "a",
      environment: { A: "b" },
      cwd: "/w",
      priority: 7,
    });
    expect(requestId).toMatch(/^zzzzz-xvhdp-[0-9a-z]{15}$/);
    expect(id).toMatch(/^zzzzz-dz642-[0-9a-z]{15}$/);
    expect(requestOf(requestId)).toMatchObject({
      name: "a",
      state: "Committed",
      priority: 7,
      cwd: "/w",
    });
    expect(record(id)).toMatchObject({
      state: "Queued",
      command: ["true"],
      environment: { A: "b" },
      mounts: {},
      runtime_constraints: {
        vcpus: 1,
        ram: 1024,
        keep_cache_ram: 0,
        keep_cache_disk: 0,
        API: false,
      },
      scheduling_parameters: {
        max_run_time: 0,
        preemptible: false,
        supervisor: false,
        partitions: [],
      },
      lock_count: 0,
      locked_by_uuid: null,
      exit_code: null,
      runtime_status: {},
      started_at: null,
      finished_at: null,
      interactive_session_started: false,
    });
    expect(record(id)["created_at"]).toBe("2026-01-02T03:04:05.001Z");
  });

  it("orders containers by priority, and equal ones by age, in integers beyond 2^53", () => {
    const [older, newer, urgent, held] = [
      submit({ priority: 5 }),
      submit({ priority: 5 }),
      submit({ priority: 6 }),
      submit({ priority: 0 }),
    ];
    const query = { filters: [], order: ["priority desc"], select: ["uuid", "priority"] };
    const { items } = store.list("containers", { ...query, limit: 10, offset: 0, count: false });
    const ids = (JSON.parse(items) as { uuid: string }[]).map(({ uuid }) => uuid);
    expect(ids).toEqual([urgent.id, older.id, newer.id, held.id]);
    const createdAtMs = Date.parse(String(record(older.id)["created_at"]));
    expect(items).toContain(`"priority":${(5n << 50n) - BigInt(createdAtMs)}}`);
  });

  it("names every wrong field of a submission", () => {
    const wrong = [
      [{ command: [] }, "container_request.command: must name the program to run"],
      [{ command: ["a\0b"] }, "container_request.command.0: must not contain a NUL character"],
      [{ environment: { "A=B": "" } }, "container_request.environment.A=B"],
      [
        { runtime_constraints: { vcpus: 0, ram: 1 } },
        "container_request.runtime_constraints.vcpus",
      ],
      [{ runtime_constraints: { vcpus: 1, ram: 1, disk: 1 } }, `"disk"`],
      [{ priority: 1001 }, "container_request.priority"],
      [{ priority: "9007199254740993" }, "container_request.priority"],
      [{ comand: [] }, `"comand"`],
      [{ state: "Uncommitted" }, "Committed only"],
      [{ mounts: { "/x": { kind: "tmp", capacity: -1 } } }, "container_request.mounts./x.capacity"],
    ] as const;
    for (const [extra, message] of wrong) {
      const error = refusal(() => submit(extra));
      expect(error.status).toBe(422);
      expect(error.message).toContain(message);
    }
    expect(refusal(() => store.submit({})).errors).toHaveLength(2);
    expect(refusal(() => store.submit("x")).status).toBe(422);
  });

  it("counts locks, and gives the lock to the token that took it", () => {
    const { id } = submit();
    store.lock(id, OURS);
    expect(record(id)).toMatchObject({ state: "Locked", locked_by_uuid: OURS, lock_count: 1 });
    expectRefusal(() => store.lock(id, OURS), "cannot lock when Locked");
    expectRefusal(() => store.unlock(id, THEIRS), "locked by a different token", 403);
    store.unlock(id, OURS);
    expect(record(id)).toMatchObject({ state: "Queued", locked_by_uuid: null, lock_count: 1 });
    expectRefusal(() => store.unlock(id, OURS), "cannot unlock when Queued");
  });

  it("locks nothing of priority 0", () => {
    expectRefusal(
      () => store.lock(submit({ priority: 0 }).id, OURS),
      "cannot lock when priority<=0",
    );
  });

  it("cancels instead of unlocking after the greatest number of attempts", () => {
    const { id, requestId } = submit();
    for (const state of ["Queued", "Queued", "Cancelled"]) {
      store.lock(id, OURS);
      store.unlock(id, OURS);
      expect(record(id)["state"]).toBe(state);
    }
    expect(record(id)["runtime_status"]).toEqual({
      error:
        "Failed to start container.  Cancelled after exceeding 'Containers.MaxDispatchAttempts' (lock_count=3)",
    });
    expect(requestOf(requestId)["state"]).toBe("Final");
  });

  it("moves Locked → Running → Complete with instants and exit code, and ends the request", () => {
    const { id, requestId } = submitRunning();
    const running = record(id);
    expect(running).toMatchObject({ state: "Running", gateway_address: "10.0.0.1:22" });
    expect(running["started_at"]).toMatch(/^2026-/);
    expectRefusal(
      () => store.updateContainer(id, { state: "Complete" }, OURS),
      "Exit code can't be blank when state is Complete",
    );
    store.updateContainer(
      id,
      { state: "Complete", exit_code: 3, log: "somewhere", cost: 0.5 },
      OURS,
    );
    expect(record(id)).toMatchObject({
      state: "Complete",
      exit_code: 3,
      log: "somewhere",
      cost: 0.5,
      locked_by_uuid: null,
    });
    expect(record(id)["finished_at"]).toMatch(/^2026-/);
    expect(requestOf(requestId)["state"]).toBe("Final");
  });

  it("allows no other way from state to state", () => {
    const { id } = submit();
    const change = (state: string) => () =>
      store.updateContainer(id, { state, exit_code: 0 }, OURS);
    expectRefusal(change("Running"), "State invalid state change from Queued to Running");
    expectRefusal(change("Sleeping"), "State invalid state change from Queued to Sleeping");
    store.lock(id, OURS);
    expectRefusal(change("Complete"), "State invalid state change from Locked to Complete");
    store.updateContainer(id, { state: "Running" }, OURS);
    expectRefusal(change("Queued"), "State invalid state change from Running to Queued");
    change("Complete")();
    expectRefusal(change("Running"), "State invalid state change from Complete to Running");
    store.updateContainer(id, { state: "Cancelled" }, OURS);
    expectRefusal(change("Queued"), "State invalid state change from Cancelled to Queued");
  });

  it("takes runtime_status in Locked and Running only, and forgets it when the container is queued again", () => {
    const { id } = submit();
    const status = { runtime_status: { error: "x", other: 1 } };
    expectRefusal(
      () => store.updateContainer(id, status, OURS),
      "Runtime status illegal update of field",
    );
    store.lock(id, OURS);
    store.updateContainer(id, status, OURS);
    expect(record(id)["runtime_status"]).toEqual(status.runtime_status);
    expectRefusal(
      () => store.updateContainer(id, { runtime_status: { warning: 1 } }, OURS),
      "Runtime status 'warning' value must be a string",
    );
    store.updateContainer(id, { state: "Queued" }, OURS);
    expect(record(id)).toMatchObject({ state: "Queued", runtime_status: {}, locked_by_uuid: null });
  });

  it("lets nobody but the owner of the lock report progress, and everybody cancel", () => {
    const { id } = submitRunning();
    expectRefusal(
      () => store.updateContainer(id, { runtime_status: { error: "x" } }, THEIRS),
      "Runtime status illegal update of field",
    );
    expectRefusal(
      () => store.updateContainer(id, { locked_by_uuid: THEIRS }, OURS),
      `Locked by uuid can only change to ${OURS}`,
    );
    store.updateContainer(id, { state: "Cancelled" }, THEIRS);
    expect(record(id)).toMatchObject({ state: "Cancelled", locked_by_uuid: null });
  });

  it("names attributes that it does not know, and values that are none", () => {
    const { id } = submitRunning();
    const error = refusal(() =>
      store.updateContainer(id, { flavour: 1, command: [], cost: "x", exit_code: 1.5 }, OURS),
    );
    expect(error.errors).toEqual([
      "attribute 'flavour' of a container is unknown or cannot be changed",
      "attribute 'command' of a container is unknown or cannot be changed",
      "Cost must be a number",
      "Exit code must be an integer",
    ]);
    for (const changes of [null, [], "x"]) {
      expect(refusal(() => store.updateContainer(id, changes, OURS)).status).toBe(422);
    }
    expectRefusal(() => store.lock("nobody", OURS), `Object not found: "nobody"`, 404);
  });

  it("accepts what does not change anything, in any state", () => {
    const { id } = submitRunning();
    store.updateContainer(id, { state: "Complete", exit_code: 0 }, OURS);
    const before = record(id);
    const { state, exit_code, started_at, finished_at, runtime_status, cost, log } = before;
    const same = { state, exit_code, started_at, finished_at, runtime_status, cost, log };
    store.updateContainer(id, { ...same, uuid: id, kind: "x", modified_at: "x" }, OURS);
    expect(record(id)).toEqual(before);
  });

  it("cancels a waiting container at once when its request gets priority 0, a locked one on unlock", () => {
    const [waiting, locked, running] = [submit(), submit(), submitRunning()];
    store.lock(locked.id, OURS);
    for (const { requestId } of [waiting, locked, running])
      store.updateRequest(requestId, { priority: 0 });
    expect(record(waiting.id)).toMatchObject({ state: "Cancelled", priority: 0 });
    expect(record(waiting.id)["finished_at"]).toMatch(/^2026-/);
    expect(requestOf(waiting.requestId)["state"]).toBe("Final");
    expect(record(locked.id)).toMatchObject({ state: "Locked", priority: 0 });
    expect(record(running.id)).toMatchObject({ state: "Running", priority: 0 });
    expect(requestOf(locked.requestId)["state"]).toBe("Committed");
    store.unlock(locked.id, OURS);
    expect(record(locked.id)["state"]).toBe("Cancelled");
    expect(requestOf(locked.requestId)["state"]).toBe("Final");
  });

  it("starts what was submitted on hold when its priority is raised, and changes nothing that has ended", () => {
    const { id, requestId } = submit({ priority: 0 });
    expect(record(id)).toMatchObject({ state: "Queued", priority: 0 });
    store.updateRequest(requestId, { priority: 3, name: "b" });
    store.lock(id, OURS);
    store.updateContainer(id, { state: "Cancelled" }, OURS);
    expectRefusal(
      () => store.updateRequest(requestId, { priority: 0 }),
      "Priority illegal update of field: the request is Final",
    );
    store.updateRequest(requestId, { name: "c", properties: { a: [1] } });
    expect(requestOf(requestId)).toMatchObject({ name: "c", properties: { a: [1] } });
    expectRefusal(() => store.updateRequest("nobody", {}), `Object not found: "nobody"`, 404);
  });

  it("finds its containers again after a restart", () => {
    const { id } = submitRunning();
    const before = record(id);
    store.close();
    store = open();
    expect(record(id)).toEqual(before);
  });

  it("keeps what it holds to its owner", async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    submit();
    expect((await stat(`${path}-wal`)).mode & 0o777).toBe(0o600);
  });

  it("goes on with a file of a version that knew no attempts, and such a version with this file", () => {
    const { id } = submitRunning();
    store.close();
    const earlier = new Database(path);
    earlier.exec("ALTER TABLE containers DROP COLUMN final_update");
    earlier.close();
    for (let opened = 0; opened < 2; opened++) {
      store = open();
      expect(record(id)).toMatchObject({ state: "Running", lock_count: 1 });
      store.close();
    }
    store = open();
    const attempt = { containerId: id, number: 1 };
    const update = { changes: { state: "Complete", exit_code: 0 }, select: ["uuid"] };
    store.updateInAttempt(attempt, update, OURS);
    store.updateInAttempt(attempt, update, OURS);
    expect(record(id)).toMatchObject({ state: "Complete", exit_code: 0 });
    const db = new Database(path);
    // By this number an earlier version tells whether it can read the file.
    expect(db.prepare("PRAGMA user_version").raw().get()).toEqual([1]);
    db.close();
  });

  it("opens no file of somebody else, and says what to do", async () => {
    const garbage = join(folder, "garbage");
    await writeFile(garbage, "this is no database, and long enough to be looked at");
    const foreign = join(folder, "foreign.db");
    const db = new Database(foreign);
    db.exec("CREATE TABLE t (a)");
    db.close();
    const options = { clusterId: "zzzzz", attemptsMax: 1, nowMs: () => 0 };
    for (const other of [garbage, foreign]) {
      expect(() => openQueueStore({ ...options, path: other })).toThrow(
        new RegExp(`the embedded queue ${other} cannot be opened: .*; move the file away`),
      );
    }
    expect(() => openQueueStore({ ...options, path: join(folder, "no", "folder") })).toThrow(
      /ENOENT/,
    );
    expect(() => openQueueStore({ ...options, path, clusterId: "Z" })).toThrow(
      `the cluster id "Z"`,
    );
  });

  it("gives a token a uuid that does not tell it, and a v2 token its own", () => {
    expect(store.authIdOf("secret")).toMatch(/^zzzzz-gj3su-[0-9a-z]{15}$/);
    expect(store.authIdOf("secret")).toBe(store.authIdOf("secret"));
    expect(store.authIdOf("secret")).not.toBe(store.authIdOf("secreu"));
    expect(store.authIdOf(`v2/${OURS}/secret`)).toBe(OURS);
  });

  it("answers the dispatcher's lists from an index, without sorting", () => {
    const db = new Database(path);
    const page = { select: ["uuid", "state"], limit: 1000, offset: 0, count: false };
    for (const query of [
      { filters: [["locked_by_uuid", "=", OURS]], order: ["uuid"] },
      {
        filters: [
          ["locked_by_uuid", "=", OURS],
          ["uuid", ">", "zzzzz"],
        ],
        order: ["uuid"],
      },
      {
        filters: [
          ["state", "=", "Queued"],
          ["priority", ">", "0"],
        ],
        order: ["priority desc"],
      },
      { filters: [["uuid", "in", ["a", "b"]]], order: [] },
    ]) {
      const { text, values } = listSql("containers", { ...page, ...query });
      const plan = db
        .prepare<unknown[]>(`EXPLAIN QUERY PLAN ${text}`)
        .raw()
        .all(...values) as string[][];
      const steps = plan.map((step) => step[3]).join("; ");
      expect(steps).toMatch(/SEARCH c USING (COVERING )?INDEX/);
      if (query.order.length > 0) expect(steps).not.toContain("TEMP B-TREE");
    }
    db.close();
  });

  it("holds its invariants whatever is asked of it", () => {
    const step = fc.record({
      action: fc.constantFrom(
        "lock",
        "unlock",
        "Queued",
        "Locked",
        "Running",
        "Complete",
        "Cancelled",
        "cancel",
      ),
      authId: fc.constantFrom(OURS, OURS, THEIRS),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const { id, requestId } = submit();
        let before = record(id);
        for (const { action, authId } of steps) {
          let refused = false;
          try {
            if (action === "lock") store.lock(id, authId);
            else if (action === "unlock") store.unlock(id, authId);
            else if (action === "cancel") store.updateRequest(requestId, { priority: 0 });
            else
              store.updateContainer(
                id,
                { state: action, ...(action === "Complete" && { exit_code: 0 }) },
                authId,
              );
          } catch (error) {
            expect(error).toBeInstanceOf(QueueStoreError);
            refused = true;
          }
          const after = record(id);
          if (refused) expect(after).toEqual(before);
          checkInvariants(after, before, requestOf(requestId)["state"]);
          before = after;
        }
      }),
      { numRuns: 40 },
    );
  });
});

function checkInvariants(
  after: Record<string, unknown>,
  before: Record<string, unknown>,
  requestState: string | undefined,
) {
  const state = String(after["state"]);
  const ended = state === "Complete" || state === "Cancelled";
  expect(after["locked_by_uuid"] !== null).toBe(state === "Locked" || state === "Running");
  expect(after["finished_at"] !== null).toBe(ended);
  expect(requestState).toBe(ended ? "Final" : "Committed");
  if (state === "Running" || state === "Complete") expect(after["started_at"]).not.toBeNull();
  expect(Number(after["lock_count"])).toBeGreaterThanOrEqual(Number(before["lock_count"]));
  if (before["state"] === "Cancelled") expect(state).toBe("Cancelled");
}
