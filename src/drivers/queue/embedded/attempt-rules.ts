import { createHash } from "node:crypto";
import type { ContainerRow } from "./container-rules.ts";
import { QueueStoreError, type Attempt, type RunnerUpdate } from "./port.ts";

/** What runners set, ours and the original; whether it may be set now is for `container-rules.ts`. */
const RUNNER_FIELDS = new Set([
  "state",
  "exit_code",
  "output",
  "output_properties",
  "log",
  "runtime_status",
  "progress",
  "cost",
  "subrequests_cost",
  "gateway_address",
]);

/** A runner gives a container back by `unlock`. */
const RUNNER_STATES: readonly unknown[] = ["Running", "Complete", "Cancelled"];

/** Throws 403 once the attempt has ended, however it did. */
export function assertInAttempt(row: ContainerRow, { number }: Attempt): void {
  const { uuid, state, lockCount } = row;
  if (lockCount !== BigInt(number)) {
    const now = `${uuid} has been locked anew since, for attempt ${lockCount}`;
    throw new QueueStoreError(403, [`attempt ${number} is over: ${now}`]);
  }
  if (state !== "Locked" && state !== "Running") {
    throw new QueueStoreError(403, [`attempt ${number} is over: ${uuid} is ${state}`]);
  }
}

/** Throws 403 that names every member that is not for runners. */
export function assertForRunners({ changes }: RunnerUpdate): void {
  // What is no object at all is for the rules of all updates to refuse.
  if (typeof changes !== "object" || changes === null) return;
  const errors = Object.entries(changes).flatMap(([field, value]) => {
    if (!RUNNER_FIELDS.has(field)) return [`a runner may not change '${field}'`];
    if (field !== "state" || RUNNER_STATES.includes(value)) return [];
    return [`a runner may not set the state ${JSON.stringify(value)}`];
  });
  if (errors.length > 0) throw new QueueStoreError(403, errors);
}

/**
 * Whether it is once more the update that ended the container: its answer may have been lost. Only while the container is
 * as that update left it, so that no runner takes for done what has been undone.
 */
export function isRepeatedEnd(row: ContainerRow, attempt: Attempt, update: RunnerUpdate): boolean {
  const { state } = (update.changes ?? {}) as { state?: unknown };
  return row.state === state && row.finalUpdate === digestOf(attempt, update);
}

/** Of all that the answer depends on. */
export function digestOf({ number }: Attempt, { changes, select }: RunnerUpdate): string {
  const text = JSON.stringify([number, changes, select]);
  return createHash("sha256").update(text).digest("hex");
}
