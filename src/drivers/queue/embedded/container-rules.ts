import { CONTAINER_FIELDS } from "./container-fields.ts";
import { QueueStoreError } from "./port.ts";
import type { SqlValue } from "./sql.ts";

/** The stored fields of CONTAINER_FIELDS, and what the rules read besides. */
export interface ContainerRow {
  readonly uuid: string;
  readonly state: string;
  readonly priority: bigint;
  readonly lockCount: bigint;
  readonly lockedBy: string | null;
  /** Digest of the update by which its runner ended it. */
  readonly finalUpdate: string | null;
  readonly fields: ReadonlyMap<string, SqlValue>;
  /** Its request was given the priority 0. */
  readonly unwanted: boolean;
}

export interface Change {
  /** The token's uuid. */
  readonly authId: string;
  readonly nowIso: string;
  /** `Containers.MaxDispatchAttempts`. */
  readonly attemptsMax: number;
}

const TRANSITIONS: Readonly<Record<string, readonly string[]>> = {
  Queued: ["Locked", "Cancelled"],
  Locked: ["Queued", "Running", "Cancelled"],
  Running: ["Complete", "Cancelled"],
  Complete: ["Cancelled"],
  Cancelled: [],
};

const PROGRESS = [
  "progress",
  "runtime_status",
  "cost",
  "subrequests_cost",
  "log",
  "output",
  "output_properties",
  "exit_code",
];

/** Dropped from an update without a word, as Arvados does: clients send back what they got. */
const IGNORED = new Set([
  "kind",
  "etag",
  "href",
  "created_at",
  "modified_at",
  "modified_by_user_uuid",
]);

/** What a field may become by a request: the columns to write. Throws `QueueStoreError` with Arvados' texts. */
export function changeContainer(
  row: ContainerRow,
  requested: unknown,
  change: Change,
): Map<string, SqlValue> {
  const changed = readChanges(row, requested);
  const wanted = String(changed.get("state") ?? row.state);
  const updates = settleState(row, wanted, changed, change);
  const state = String(updates.get("state") ?? row.state);
  refuseForbidden(row, state, changed, change.authId);
  if (state === "Complete" && row.state !== state) requireExitCode(row, changed);
  for (const [field, value] of changed) if (!updates.has(field)) updates.set(field, value);
  return updates;
}

/** Decodes the fields that differ from what is stored. */
function readChanges(row: ContainerRow, requested: unknown): Map<string, SqlValue> {
  if (typeof requested !== "object" || requested === null || Array.isArray(requested)) {
    throw new QueueStoreError(422, ["No container hash provided with request"]);
  }
  const changed = new Map<string, SqlValue>();
  const errors: string[] = [];
  for (const [field, value] of Object.entries(requested)) {
    if (IGNORED.has(field) || (field === "uuid" && value === row.uuid)) continue;
    const read = CONTAINER_FIELDS.get(field)?.(value);
    if (read === undefined) {
      errors.push(`attribute '${field}' of a container is unknown or cannot be changed`);
    } else if ("expected" in read) {
      errors.push(`${humanize(field)} ${read.expected}`);
    } else if (read.stored !== row.fields.get(field)) {
      changed.set(field, read.stored);
    }
  }
  if (errors.length > 0) throw new QueueStoreError(422, errors);
  return changed;
}

/** What follows from the state alone: lock, attempts, instants. */
function settleState(
  row: ContainerRow,
  wanted: string,
  changed: ReadonlyMap<string, SqlValue>,
  change: Change,
): Map<string, SqlValue> {
  const updates = new Map<string, SqlValue>();
  if (wanted === row.state) return updates;
  if (!TRANSITIONS[row.state]?.includes(wanted)) {
    throw new QueueStoreError(422, [`State invalid state change from ${row.state} to ${wanted}`]);
  }
  updates.set("state", wanted);
  if (wanted === "Locked") {
    const priority = changed.get("priority") ?? row.priority;
    if ((priority as bigint) <= 0n)
      throw new QueueStoreError(422, ["cannot lock when priority<=0"]);
    updates.set("lock_count", row.lockCount + 1n);
  }
  if (wanted === "Queued") settleUnlock(row, updates, change);
  const state = String(updates.get("state"));
  updates.set(
    "locked_by_uuid",
    state === "Locked" || state === "Running" ? (row.lockedBy ?? change.authId) : null,
  );
  if (state === "Running") setOnce("started_at");
  if (state === "Complete" || state === "Cancelled") setOnce("finished_at");
  return updates;

  function setOnce(field: string) {
    if (row.fields.get(field) == null && !changed.has(field)) updates.set(field, change.nowIso);
  }
}

function settleUnlock(row: ContainerRow, updates: Map<string, SqlValue>, change: Change): void {
  if (row.lockedBy !== change.authId) {
    throw new QueueStoreError(403, ["locked by a different token"]);
  }
  if (row.lockCount >= BigInt(change.attemptsMax)) {
    const error =
      "Failed to start container.  Cancelled after exceeding 'Containers.MaxDispatchAttempts' " +
      `(lock_count=${row.lockCount})`;
    updates.set("state", "Cancelled");
    updates.set("runtime_status", JSON.stringify({ error }));
  } else {
    // Status texts must not leak from one attempt to the next.
    updates.set("runtime_status", "{}");
    if (row.unwanted) updates.set("state", "Cancelled");
  }
}

function permittedFields(was: string, state: string): readonly string[] {
  switch (state) {
    case "Queued":
      return ["priority"];
    case "Locked":
      return ["priority", "runtime_status", "log"];
    case "Running": {
      const always = ["priority", "gateway_address", "interactive_session_started", ...PROGRESS];
      return was === "Running" ? always : [...always, "started_at"];
    }
    case "Complete":
      return was === "Running" ? ["finished_at", ...PROGRESS] : [];
    default:
      if (was === "Running") return ["finished_at", ...PROGRESS];
      if (was === "Queued" || was === "Locked")
        return ["finished_at", "log", "runtime_status", "cost"];
      return [];
  }
}

function refuseForbidden(
  row: ContainerRow,
  state: string,
  changed: ReadonlyMap<string, SqlValue>,
  authId: string,
): void {
  const foreign = row.lockedBy !== null && row.lockedBy !== authId;
  const permitted = permittedFields(row.state, state).filter(
    // Not even an administrator may report progress for the dispatcher that holds the lock.
    (field) => !(foreign && PROGRESS.includes(field)),
  );
  const errors: string[] = [];
  for (const [field, value] of changed) {
    if (field === "state" || permitted.includes(field)) continue;
    if (field !== "locked_by_uuid") {
      errors.push(`${humanize(field)} illegal update of field`);
      continue;
    }
    const locked = state === "Locked" || state === "Running";
    const right = locked ? (row.lockedBy ?? authId) : null;
    if (value !== right) errors.push(`Locked by uuid can only change to ${right ?? "null"}`);
  }
  if (errors.length > 0) throw new QueueStoreError(422, errors);
}

function requireExitCode(row: ContainerRow, changed: ReadonlyMap<string, SqlValue>): void {
  const exitCode = changed.has("exit_code")
    ? changed.get("exit_code")
    : row.fields.get("exit_code");
  if (exitCode == null) {
    throw new QueueStoreError(422, ["Exit code can't be blank when state is Complete"]);
  }
}

/** `exit_code` → `Exit code`, as in Arvados' messages. */
function humanize(field: string): string {
  const words = field.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
