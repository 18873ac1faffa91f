import { homedir } from "node:os";
import { join } from "node:path";

/** A failure that ends the call with exit 1 and this message on standard error. */
export class RunnerError extends Error {
  override readonly name = "RunnerError";
}

/** Shared with the original crunch-run on the same machine, so the names are fixed (specification §13). */
export function lockDir(): string {
  return process.env["CRUNCH_RUN_LOCK_DIR"] || "/var/lock";
}

export const LOCK_PREFIX = "crunch-run-";
export const LOCK_SUFFIX = ".lock";
export const ALL_LOCK_NAME = "crunch-run-all.lock";
export const BROKEN_NAME = "crunch-run-broken";
export const PRICES_NAME = "crunch-run-prices.json";

export function containerLockPath(containerUuid: string): string {
  return join(lockDir(), `${LOCK_PREFIX}${containerUuid}${LOCK_SUFFIX}`);
}

/** Holds the logs and the working folder of one container. */
export function containerDataDir(containerUuid: string): string {
  return join(runnerDataDir(), containerUuid);
}

export function runnerDataDir(): string {
  return process.env["CRUNCH_RUN_DATA_DIR"] || join(stateDir(), "crunch-run");
}

/** Who is not root may write in their own home only. */
function stateDir(): string {
  if (process.getuid?.() === 0) return "/var/lib";
  return process.env["XDG_STATE_HOME"] || join(homedir(), ".local", "state");
}

export const RUNNER_LOG_NAME = "crunch-run.log";

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
