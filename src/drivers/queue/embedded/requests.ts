import { writeContainer } from "./containers.ts";
import { notFound, randomUuid } from "./ids.ts";
import { QueueStoreError } from "./port.ts";
import type { SqlRunner, SqlValue } from "./sql.ts";
import { containerPriority, readRequestChange, readSubmission } from "./submission.ts";

/** One container for each request; nothing is reused. Returns the request's uuid. */
export function submitRequest(
  sql: SqlRunner,
  request: unknown,
  { clusterId, nowMs }: { clusterId: string; nowMs: number },
): string {
  const submission = readSubmission(request);
  const createdAt = new Date(nowMs).toISOString();
  const containerId = randomUuid(clusterId, "dz642");
  const requestId = randomUuid(clusterId, "xvhdp");
  const instants = { created_at: createdAt, modified_at: createdAt };
  sql.transaction(() => {
    sql.insert("containers", {
      uuid: containerId,
      ...instants,
      state: "Queued",
      priority: containerPriority(submission.priority, nowMs),
      ...submission.container,
    });
    sql.insert("container_requests", {
      uuid: requestId,
      ...instants,
      state: "Committed",
      priority: BigInt(submission.priority),
      container_uuid: containerId,
      ...submission.request,
    });
  });
  return requestId;
}

export function updateRequest(
  sql: SqlRunner,
  requestId: string,
  changes: unknown,
  nowIso: string,
): void {
  const { priority, properties, ...texts } = readRequestChange(changes);
  const request = readRequest(sql, requestId);
  const updates: [string, SqlValue][] = [];
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined) updates.push([name, value]);
  }
  if (properties !== undefined) updates.push(["properties", JSON.stringify(properties)]);
  if (priority !== undefined && priority !== request.priority) {
    if (request.state === "Final") {
      throw new QueueStoreError(422, ["Priority illegal update of field: the request is Final"]);
    }
    updates.push(["priority", BigInt(priority)]);
    reprioritize(sql, request, priority, nowIso);
  }
  if (updates.length > 0) {
    sql.update("container_requests", requestId, [...updates, ["modified_at", nowIso]]);
  }
}

function readRequest(sql: SqlRunner, requestId: string) {
  const [row] = sql.all({
    text:
      "SELECT r.state, r.priority, r.created_at, c.uuid, c.state FROM container_requests r " +
      "JOIN containers c ON c.uuid = r.container_uuid WHERE r.uuid = ?",
    values: [requestId],
  });
  if (!row) throw notFound(requestId);
  const [state, priority, createdAt, containerId, containerState] = row.map(String);
  return {
    state,
    priority: Number(priority),
    createdAtMs: Date.parse(createdAt ?? ""),
    containerId: containerId ?? "",
    containerState,
  };
}

function reprioritize(
  sql: SqlRunner,
  request: ReturnType<typeof readRequest>,
  priority: number,
  nowIso: string,
): void {
  const updates = new Map<string, SqlValue>([
    ["priority", containerPriority(priority, request.createdAtMs)],
  ]);
  // Nobody has it: there is nothing to stop. The others are stopped by the dispatcher.
  if (priority === 0 && request.containerState === "Queued") {
    updates.set("state", "Cancelled").set("finished_at", nowIso);
  }
  writeContainer(sql, request.containerId, updates, nowIso);
}
