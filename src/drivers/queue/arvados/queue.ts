import type { ContainerState } from "../../../machines/model/fact.ts";
import { QueueError, type OperationResult, type Queue } from "../port.ts";
import type { ArvadosClient } from "./client.ts";
import { protocolError, toQueueError } from "./failure.ts";
import { sumTmpMounts } from "./mounts.ts";
import type { Params } from "./params.ts";
import { pollContainers, type ControllerPoll } from "./poll.ts";
import { readLockCount, readOperation, readState } from "./record.ts";

const pathOf = (containerId: string) => `/arvados/v1/containers/${containerId}`;

export interface ArvadosQueueOptions {
  readonly client: ArvadosClient;
  /** Attributes of a container to ask for that only our own queue has; none by default. */
  readonly extras?: readonly string[];
}

export interface ArvadosQueue extends Queue {
  /** How often a container was locked when it was last seen; undefined where `extras` do not ask for `lock_count`. */
  lockCountOf(containerId: string): number | undefined;
}

/** The queue at an Arvados controller, or at anything that serves its API. Polls one after another, never at once. */
export function makeArvadosQueue({ client, extras = [] }: ArvadosQueueOptions): ArvadosQueue {
  const memory = makeMemory();
  // What a lock begins is to be known at once, not with the next poll.
  const lockParams = extras.includes("lock_count")
    ? { select: ["uuid", "state", "priority", "lock_count"] }
    : {};
  let authId: string | undefined;

  async function call(method: string, path: string, params: Params, signal: AbortSignal) {
    try {
      return await client.request(method, path, params, { signal });
    } catch (error) {
      throw toQueueError(error);
    }
  }

  async function fetchAuthId(signal: AbortSignal): Promise<string> {
    const path = "/arvados/v1/api_client_authorizations/current";
    const answer = await call("GET", path, {}, signal);
    const uuid = (answer as { uuid?: unknown } | null)?.uuid;
    if (typeof uuid !== "string" || uuid === "") throw protocolError(`GET ${path}: no uuid`);
    return uuid;
  }

  async function operate(
    method: string,
    containerId: string,
    { action = "", params = {} }: { action?: string; params?: Params },
    signal: AbortSignal,
  ): Promise<OperationResult> {
    const path = pathOf(containerId) + action;
    const answer = await call(method, path, params, signal);
    const result = readOperation(answer);
    if (typeof result === "string") throw protocolError(`${method} ${path}: ${result}`);
    memory.learn(containerId, { state: result.state, lockCount: readLockCount(answer) });
    return result;
  }

  async function stateOf(containerId: string, signal: AbortSignal): Promise<ContainerState> {
    const path = pathOf(containerId);
    const state = readState(await call("GET", path, { select: ["state"] }, signal));
    if (state === undefined) throw protocolError(`GET ${path}: no readable state`);
    return state;
  }

  const lock = (containerId: string, signal: AbortSignal) =>
    operate("POST", containerId, { action: "/lock", params: lockParams }, signal);

  async function lockToCancel(containerId: string, signal: AbortSignal): Promise<void> {
    const state = memory.get(containerId)?.state ?? (await stateOf(containerId, signal));
    if (state !== "Queued") return;
    try {
      await lock(containerId, signal);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      const failure = { ...error.failure, message: `lock failed: ${error.failure.message}` };
      throw new QueueError(failure, { cause: error, status: error.status });
    }
  }

  async function setCancelled(
    containerId: string,
    error: string | undefined,
    signal: AbortSignal,
  ): Promise<OperationResult> {
    if (error !== undefined) {
      const params = { container: { runtime_status: { error } }, select: ["uuid"] };
      await call("PUT", pathOf(containerId), params, signal);
    }
    const params = { container: { state: "Cancelled" } };
    return operate("PUT", containerId, { params }, signal);
  }

  return {
    async poll(open, signal) {
      memory.beginPoll();
      try {
        authId ??= await fetchAuthId(signal);
        const poll = await pollContainers(authId, open, { client, signal, extras });
        memory.endPoll(poll);
        return poll;
      } catch (error) {
        throw toQueueError(error);
      }
    },
    async tmpMounts(containerId, signal) {
      const answer = await call("GET", pathOf(containerId), { select: ["mounts"] }, signal);
      try {
        return sumTmpMounts(answer);
      } catch (error) {
        const message = `error getting mounts from container record: ${(error as Error).message}`;
        throw new QueueError({ code: "other", message }, { cause: error, undecodable: true });
      }
    },
    lock,
    unlock: (containerId, signal) => operate("POST", containerId, { action: "/unlock" }, signal),
    async cancel(containerId, error, signal) {
      if (error !== undefined) await lockToCancel(containerId, signal);
      try {
        return await setCancelled(containerId, error, signal);
      } catch (failed) {
        if (signal.aborted) throw failed;
        // Somebody else may have been faster, or the answer got lost.
        const state = await stateOf(containerId, signal).catch(() => undefined);
        if (state !== "Cancelled") throw failed;
        memory.learn(containerId, { state, lockCount: undefined });
        return { state, priority: null };
      }
    },
    last503AtMs: () => client.last503AtMs(),
    lockCountOf: (containerId) => memory.get(containerId)?.lockCount,
  };
}

interface Seen {
  readonly state: ContainerState;
  readonly lockCount: number | undefined;
}

/**
 * As each container was last seen: a cancel with a message must know whether to lock first, and who starts one which of its
 * attempts that is.
 */
function makeMemory() {
  let seen = new Map<string, Seen>();
  /** What we did since the poll began, which the poll may not have seen yet. */
  let learned = new Map<string, Seen>();
  return {
    get: (containerId: string) => seen.get(containerId),
    learn(containerId: string, { state, lockCount }: Seen) {
      // Only a lock tells it, and only a lock changes it.
      const known = { state, lockCount: lockCount ?? seen.get(containerId)?.lockCount };
      seen.set(containerId, known);
      learned.set(containerId, known);
    },
    beginPoll() {
      learned = new Map();
    },
    endPoll({ entries, rejected, lockCounts }: ControllerPoll) {
      seen = new Map();
      for (const [containerId, { state }] of entries) {
        seen.set(containerId, { state, lockCount: lockCounts.get(containerId) });
      }
      for (const [containerId, { state }] of rejected) {
        if (state !== null) seen.set(containerId, { state, lockCount: undefined });
      }
      for (const [containerId, known] of learned) seen.set(containerId, known);
      learned = new Map();
    },
  };
}
