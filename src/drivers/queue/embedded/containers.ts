import { CONTAINER_FIELDS } from "./container-fields.ts";
import type { ContainerRow } from "./container-rules.ts";
import { notFound } from "./ids.ts";
import type { SqlRunner, SqlValue } from "./sql.ts";

const FIELD_NAMES = [...CONTAINER_FIELDS.keys()];

/** Throws `QueueStoreError` 404. */
export function readContainer(sql: SqlRunner, containerId: string): ContainerRow {
  const columns = FIELD_NAMES.map((name) => `c.${name}`).join(", ");
  const [row] = sql.all({
    text:
      `SELECT c.lock_count, c.final_update, r.priority, ${columns} FROM containers c ` +
      "JOIN container_requests r ON r.container_uuid = c.uuid WHERE c.uuid = ?",
    values: [containerId],
  });
  if (!row) throw notFound(containerId);
  const [lockCount, finalUpdate, requestPriority, ...values] = row;
  const fields = new Map(FIELD_NAMES.map((name, i) => [name, values[i] ?? null]));
  return {
    uuid: containerId,
    state: fields.get("state") as string,
    priority: fields.get("priority") as bigint,
    lockCount: lockCount as bigint,
    lockedBy: fields.get("locked_by_uuid") as string | null,
    finalUpdate: finalUpdate as string | null,
    fields,
    unwanted: requestPriority === 0n,
  };
}

/** Writes what changed, and ends the request with its container. */
export function writeContainer(
  sql: SqlRunner,
  containerId: string,
  updates: ReadonlyMap<string, SqlValue>,
  nowIso: string,
): void {
  if (updates.size === 0) return;
  sql.update("containers", containerId, [...updates, ["modified_at", nowIso]]);
  if (!hasEnded(updates)) return;
  const open = sql.all({
    text: "SELECT uuid FROM container_requests WHERE container_uuid = ? AND state != 'Final'",
    values: [containerId],
  });
  for (const [requestId] of open) {
    sql.update("container_requests", String(requestId), [
      ["state", "Final"],
      ["modified_at", nowIso],
    ]);
  }
}

/** Whether these end a container. */
export function hasEnded(updates: ReadonlyMap<string, SqlValue>): boolean {
  const state = updates.get("state");
  return state === "Complete" || state === "Cancelled";
}
