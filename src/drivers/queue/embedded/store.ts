import { assertForRunners, assertInAttempt, digestOf, isRepeatedEnd } from "./attempt-rules.ts";
import { changeContainer, type ContainerRow } from "./container-rules.ts";
import { hasEnded, readContainer, writeContainer } from "./containers.ts";
import { authIdOf, notFound } from "./ids.ts";
import { countSql, getSql, listSql, recordSql } from "./list-query.ts";
import { QueueStoreError, type Attempt, type QueueStore, type RunnerUpdate } from "./port.ts";
import { submitRequest, updateRequest } from "./requests.ts";
import { openDatabase } from "./schema.ts";
import { makeSqlRunner } from "./sql.ts";

export interface QueueStoreOptions {
  /** Of the database; made with mode 0600. */
  readonly path: string;
  /** Five lower-case letters or digits: the beginning of every uuid. */
  readonly clusterId: string;
  /** `Containers.MaxDispatchAttempts`. */
  readonly attemptsMax: number;
  readonly nowMs: () => number;
  /** Beyond it nothing new is taken in; what is there goes on. 0, the default: no limit. */
  readonly bytesMax?: number;
}

/** Throws an `Error` that names the file or the cluster id. */
export function openQueueStore(options: QueueStoreOptions): QueueStore {
  const { clusterId, attemptsMax, nowMs } = options;
  if (!/^[a-z0-9]{5}$/.test(clusterId)) {
    const expected = "expected five lower-case letters or digits";
    throw new Error(`the cluster id ${JSON.stringify(clusterId)} cannot be used: ${expected}`);
  }
  const { path, bytesMax = 0 } = options;
  const sql = makeSqlRunner(openDatabase(path, bytesMax), { path, bytesMax });
  const nowIso = () => new Date(nowMs()).toISOString();

  function change(containerId: string, requested: unknown, authId: string, check = anyContainer) {
    sql.transaction(() => {
      const row = readContainer(sql, containerId);
      check(row);
      const by = { authId, nowIso: nowIso(), attemptsMax };
      writeContainer(sql, containerId, changeContainer(row, requested, by), by.nowIso);
    });
  }

  function updateInAttempt(attempt: Attempt, update: RunnerUpdate, authId: string) {
    const { containerId } = attempt;
    sql.transaction(() => {
      const row = readContainer(sql, containerId);
      if (isRepeatedEnd(row, attempt, update)) return;
      assertInAttempt(row, attempt);
      assertForRunners(update);
      const by = { authId, nowIso: nowIso(), attemptsMax };
      const updates = changeContainer(row, update.changes, by);
      if (hasEnded(updates)) updates.set("final_update", digestOf(attempt, update));
      writeContainer(sql, containerId, updates, by.nowIso);
    });
  }

  return {
    authIdOf: (token) => authIdOf(clusterId, token),
    list(resource, query) {
      const rows = sql.all(listSql(resource, query));
      const items = `[${rows.map(([json]) => String(json)).join(",")}]`;
      if (!query.count) return { items, itemsAvailable: null };
      return { items, itemsAvailable: Number(sql.all(countSql(resource, query))[0]?.[0]) };
    },
    get(resource, uuid, select) {
      const [row] = sql.all(getSql(resource, uuid, select));
      if (!row) throw notFound(uuid);
      return String(row[0]);
    },
    checkSelect: (resource, select) => void recordSql(resource, select),
    lock(containerId, authId) {
      change(containerId, { state: "Locked" }, authId, ({ state }) => {
        if (state !== "Queued") throw new QueueStoreError(422, [`cannot lock when ${state}`]);
      });
    },
    unlock(containerId, authId) {
      change(containerId, { state: "Queued" }, authId, assertLocked);
    },
    assertInAttempt: (attempt) => assertInAttempt(readContainer(sql, attempt.containerId), attempt),
    unlockInAttempt(attempt, authId) {
      change(attempt.containerId, { state: "Queued" }, authId, (row) => {
        assertInAttempt(row, attempt);
        assertLocked(row);
      });
    },
    updateInAttempt,
    updateContainer: (containerId, changes, authId) => change(containerId, changes, authId),
    submit(request) {
      sql.assertRoom();
      return submitRequest(sql, request, { clusterId, nowMs: nowMs() });
    },
    updateRequest(requestId, changes) {
      sql.transaction(() => updateRequest(sql, requestId, changes, nowIso()));
    },
    close: () => sql.close(),
  };
}

function anyContainer(_row: ContainerRow): void {}

function assertLocked({ state }: ContainerRow): void {
  if (state !== "Locked") throw new QueueStoreError(422, [`cannot unlock when ${state}`]);
}
