import { ArvadosError } from "../drivers/queue/arvados/error.ts";
import type { Log } from "./log.ts";
import { errorText, RunnerError } from "./paths.ts";
import { pause as pauseFor } from "./stops.ts";

/** The part of the controller client that is used here; it throws `ArvadosError`. */
export interface Client {
  request(
    method: string,
    path: string,
    params?: Readonly<Record<string, unknown>>,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<unknown>;
}

/** What the runner needs of a container's record. */
export interface ContainerRecord {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** 0: no limit. */
  readonly maxRunTimeMs: number;
  readonly mountPaths: readonly string[];
}

export type Final =
  | {
      readonly state: "Complete";
      readonly exitCode: number;
      /** "" for none. */
      readonly warning: string;
      readonly costUsd: number;
    }
  | { readonly state: "Cancelled"; readonly error?: string | undefined; readonly costUsd: number };

/** What the runner says to the API and asks of it. Calls are repeated while the API is away. */
export interface Controller {
  /** The record, if it is Locked by our token; `RunnerError` if not, or if the API stays away for too long. */
  claim(stop: AbortSignal): Promise<ContainerRecord>;
  /** `RunnerError` if the container is no longer ours to run. */
  setRunning(stop: AbortSignal): Promise<void>;
  /** Gives a container that was not begun back to the queue. One attempt: the dispatcher does it otherwise. */
  unlock(): Promise<void>;
  /** False only if the API says so; one attempt. */
  isStillOurs(): Promise<boolean>;
  /** One attempt. */
  setCost(costUsd: number): Promise<void>;
  /** Tries for a day, or once more after `hurry`. Returns whether the record has the final state. */
  report(final: Final, hurry: AbortSignal): Promise<boolean>;
}

const START_PATIENCE_MS = 600_000;
const REPORT_PATIENCE_MS = 24 * 3_600_000;
const FIRST_PAUSE_MS = 200;

const CLAIM_FIELDS = [
  "uuid",
  "state",
  "locked_by_uuid",
  "command",
  "environment",
  "cwd",
  "scheduling_parameters",
  "mounts",
];

export function makeController(options: {
  client: Client;
  containerUuid: string;
  /** The token is good for one attempt at this container, so a 403 says that it is over. */
  isForOneAttempt: boolean;
  retryMaxMs: number;
  /** The same after a call that got no answer at all, where such calls burden nobody. */
  unheardMaxMs?: number;
  log: Log;
}): Controller {
  const { client, containerUuid, isForOneAttempt, retryMaxMs, log } = options;
  const pauseMaxMs = (error: unknown): number =>
    isUnheard(error) ? Math.min(options.unheardMaxMs ?? retryMaxMs, retryMaxMs) : retryMaxMs;
  const path = `/arvados/v1/containers/${containerUuid}`;
  let ourTokenUuid = "";

  const update = (container: object): Promise<unknown> =>
    client.request("PUT", path, { select: ["uuid"], container });
  const lookUp = async (): Promise<{ state: string; isOurs: boolean }> =>
    ownership(await client.request("GET", path, { select: ["uuid", "state", "locked_by_uuid"] }));
  const ownership = (json: unknown): { state: string; isOurs: boolean } => {
    const { state, locked_by_uuid: lockedBy } = (json ?? {}) as Record<string, unknown>;
    return { state: String(state), isOurs: lockedBy === ourTokenUuid };
  };
  const isOver = (error: unknown): boolean => isForOneAttempt && statusOf(error) === 403;
  const pauses = (): Pauses => makePauses(pauseMaxMs);

  async function untilAnswered<T>(
    what: string,
    stop: AbortSignal,
    call: () => Promise<T>,
  ): Promise<T> {
    const deadlineMs = performance.now() + START_PATIENCE_MS;
    const pause = pauses();
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!mayPass(error) || performance.now() > deadlineMs) {
          throw new RunnerError(`${what}: ${errorText(error)}`, { cause: error });
        }
        log(`${what}: ${errorText(error)} -- will try again`);
        await pause(stop, error);
        if (stop.aborted) throw new RunnerError(`${what}: stopped`, { cause: error });
      }
    }
  }

  return {
    async claim(stop) {
      const json = await untilAnswered("get container", stop, () =>
        client.request("GET", path, { select: CLAIM_FIELDS }),
      );
      const token = await untilAnswered("get own token", stop, () =>
        client.request("GET", "/arvados/v1/api_client_authorizations/current", {
          select: ["uuid"],
        }),
      );
      ourTokenUuid = String((token as { uuid?: unknown } | null)?.uuid);
      const { state, isOurs } = ownership(json);
      if (state !== "Locked") {
        throw new RunnerError(`container is ${state}, expected Locked: not running it`);
      }
      if (!isOurs) throw new RunnerError("container is locked by another token: not running it");
      return decodeRecord(json);
    },
    async setRunning(stop) {
      let mayBeDone = false;
      await untilAnswered("set Running", stop, async () => {
        try {
          await update({ state: "Running" });
        } catch (error) {
          mayBeDone ||= mayPass(error); // its answer may be all that was lost
          const { state, isOurs } = await lookUp();
          if (state === "Running" && isOurs && mayBeDone) return;
          if (state === "Locked" && isOurs) throw error;
          throw new RunnerError(`the container is ${state} now: not running it`, { cause: error });
        }
      });
    },
    async unlock() {
      try {
        await client.request("POST", `${path}/unlock`, { select: ["uuid"] });
      } catch (error) {
        log(`unlock: ${errorText(error)}`);
      }
    },
    async isStillOurs() {
      try {
        const { state, isOurs } = await lookUp();
        return state === "Running" && isOurs;
      } catch (error) {
        return !isRefusal(error) && !isOver(error); // an API that is away says nothing
      }
    },
    async setCost(costUsd) {
      try {
        await update({ cost: costUsd });
      } catch (error) {
        log(`update cost: ${errorText(error)}`);
      }
    },
    report: (final, hurry) =>
      report({ update, lookUp, isOver, pause: pauses(), log }, final, hurry),
  };
}

interface Reporter {
  readonly update: (container: object) => Promise<unknown>;
  readonly lookUp: () => Promise<{ state: string; isOurs: boolean }>;
  /** Whether it says that the container is no longer this runner's. */
  readonly isOver: (error: unknown) => boolean;
  readonly pause: Pauses;
  readonly log: Log;
}

async function report(reporter: Reporter, final: Final, hurry: AbortSignal): Promise<boolean> {
  const { log, pause } = reporter;
  const deadlineMs = performance.now() + REPORT_PATIENCE_MS;
  const progress = { statusIsSet: false, withCost: true };
  for (;;) {
    // Read before the attempt: one that the signal interrupts is followed by a last one.
    const isLast = hurry.aborted || performance.now() > deadlineMs;
    try {
      return await reportOnce(reporter, final, progress);
    } catch (error) {
      if (reporter.isOver(error)) {
        log(`set ${final.state}: ${errorText(error)}`);
        return false;
      }
      if (isLast) {
        log(`set ${final.state}: ${errorText(error)} -- giving up`);
        return false;
      }
      log(`set ${final.state}: ${errorText(error)} -- will try again`);
      await pause(hurry, error);
    }
  }
}

/** Returns whether the record has the final state, false if it never will; throws what may pass. */
async function reportOnce(
  { update, lookUp, log }: Reporter,
  final: Final,
  progress: { statusIsSet: boolean; withCost: boolean },
): Promise<boolean> {
  for (;;) {
    try {
      const status = statusOfEnd(final);
      if (status && !progress.statusIsSet) {
        // First: a container that has ended takes no status any more (specification §3).
        await update({ runtime_status: status });
        progress.statusIsSet = true;
      }
      const exit = final.state === "Complete" ? { exit_code: final.exitCode } : {};
      const cost = progress.withCost && final.costUsd > 0 ? { cost: final.costUsd } : {};
      await update({ state: final.state, ...exit, ...cost });
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (statusOf(error) === 404 || statusOf(error) === 410) {
        log(`set ${final.state}: ${errorText(error)}: the container is gone`);
        return false;
      }
      const { state, isOurs } = await lookUp();
      if (state === final.state) return true; // an earlier attempt's answer was lost
      if (state !== "Running" || !isOurs || !progress.withCost) {
        log(`set ${final.state}: ${errorText(error)}: the container stays ${state}`);
        return false;
      }
      // The state matters more than what an API may not know to store.
      log(`set ${final.state}: ${errorText(error)} -- trying without details`);
      progress.withCost = false;
      progress.statusIsSet = true;
    }
  }
}

/** `runtime_status`, where there is something to say. */
function statusOfEnd(final: Final): { error: string } | { warning: string } | undefined {
  if (final.state === "Complete")
    return final.warning === "" ? undefined : { warning: final.warning };
  return final.error === undefined ? undefined : { error: final.error };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof ArvadosError && error.kind === "status" ? error.status : undefined;
}

/** The API has understood and said no, for good. */
function isRefusal(error: unknown): boolean {
  return [400, 404, 410, 422].includes(statusOf(error) ?? 0);
}

/** Worth another attempt when starting: no answer, or one that tells of the API's state and not of our call. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ArvadosError)) return false;
  const status = statusOf(error);
  return status === undefined || status >= 500 || [408, 425, 429].includes(status);
}

/** Neither an answer nor a wait for one: the connection failed. */
function isUnheard(error: unknown): boolean {
  return error instanceof ArvadosError && error.kind === "network";
}

/** Waits longer each time; ends early, without an error, when the signal is given. */
type Pauses = (stop: AbortSignal, error: unknown) => Promise<void>;

function makePauses(maxMs: (error: unknown) => number): Pauses {
  let spanMs = FIRST_PAUSE_MS;
  return async (stop, error) => {
    spanMs = Math.min(spanMs, maxMs(error));
    const jittered = spanMs * (0.75 + Math.random() / 4);
    spanMs *= 2;
    await pauseFor(jittered, stop);
  };
}

function decodeRecord(json: unknown): ContainerRecord {
  const record = (json ?? {}) as Record<string, unknown>;
  const command = record["command"] ?? [];
  if (!Array.isArray(command) || !command.every((part) => typeof part === "string")) {
    throw new RunnerError("container record: command: expected an array of strings");
  }
  const environment = (record["environment"] ?? {}) as Record<string, unknown>;
  for (const [name, value] of Object.entries(environment)) {
    if (typeof value !== "string") {
      throw new RunnerError(`container record: environment.${name}: expected a string`);
    }
  }
  const scheduling = (record["scheduling_parameters"] ?? {}) as Record<string, unknown>;
  return {
    command,
    environment: environment as Record<string, string>,
    cwd: typeof record["cwd"] === "string" ? record["cwd"] : "",
    maxRunTimeMs: Math.max(0, Number(scheduling["max_run_time"] ?? 0) || 0) * 1000,
    mountPaths: Object.keys(record["mounts"] ?? {}),
  };
}
