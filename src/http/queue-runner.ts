import { QueueStoreError, type Attempt, type QueueStore } from "../drivers/queue/embedded/port.ts";
import type { QueueCall } from "./queue-call.ts";
import { readRecord, readSelect, type ParseJson } from "./queue-params.ts";

interface RunnerCall extends QueueCall {
  readonly attempt: Attempt;
}

/** Returns the answer as JSON text. */
export type RunnerHandler = (call: RunnerCall) => string;

/**
 * All that a runner's token is good for, which is what a runner asks for: its own record, who it acts as, updates, and to
 * give its container back. Each is 403 once the attempt is over, but for the update that ended it.
 */
export function makeRunnerHandlers(
  store: QueueStore,
  parseJson: ParseJson,
): Readonly<Record<string, Readonly<Record<string, RunnerHandler>>>> {
  const get = (call: RunnerCall) => {
    assertOwn(call);
    store.assertInAttempt(call.attempt);
    return store.get("containers", call.uuid, readSelect(call.params, parseJson));
  };
  const update = (call: RunnerCall) => {
    assertOwn(call);
    const changes = readRecord(call.params, "container", parseJson);
    const select = readSelect(call.params, parseJson);
    // Refused before anything is changed.
    store.checkSelect("containers", select);
    store.updateInAttempt(call.attempt, { changes, select }, call.authId);
    return store.get("containers", call.uuid, select);
  };
  const unlock = (call: RunnerCall) => {
    assertOwn(call);
    store.unlockInAttempt(call.attempt, call.authId);
    // Its record is no longer this runner's to read.
    return store.get("containers", call.uuid, ["uuid", "state"]);
  };
  const current = ({ authId, attempt }: RunnerCall) => {
    store.assertInAttempt(attempt);
    const scopes = scopesOf(attempt);
    return JSON.stringify({ kind: "arvados#apiClientAuthorization", uuid: authId, scopes });
  };
  return {
    "/api_client_authorizations/current": { GET: current },
    "/containers/:uuid": { GET: get, PUT: update, PATCH: update },
    "/containers/:uuid/unlock": { POST: unlock },
  };
}

/** In the words in which Arvados restricts a token. */
function scopesOf({ containerId }: Attempt): string[] {
  const path = `/arvados/v1/containers/${containerId}`;
  const own = ["GET", "PUT", "PATCH"].map((method) => `${method} ${path}`);
  return [...own, `POST ${path}/unlock`, "GET /arvados/v1/api_client_authorizations/current"];
}

function assertOwn({ uuid, attempt }: RunnerCall): void {
  if (uuid !== attempt.containerId) throw notForRunners(attempt);
}

export function notForRunners({ containerId, number }: Attempt): QueueStoreError {
  return new QueueStoreError(403, [
    `this token is for attempt ${number} of ${containerId}: it reads and updates that container and nothing else`,
  ]);
}
