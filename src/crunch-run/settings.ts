import { RunnerError } from "./paths.ts";

export interface Settings {
  /** From SIGTERM to SIGKILL. */
  readonly stopGraceMs: number;
  /** Between looks at the container's record while it runs. */
  readonly watchMs: number;
  /** Longest pause between attempts to reach the API. */
  readonly retryMaxMs: number;
  /** Of stdout.log and stderr.log each; 0: no limit. */
  readonly logMaxBytes: number;
}

/** From the environment. Throws `RunnerError` for what is no span. */
export function readSettings(): Settings {
  return {
    stopGraceMs: spanMs("CRUNCH_RUN_STOP_GRACE_MS", 10_000),
    watchMs: spanMs("CRUNCH_RUN_WATCH_MS", 30_000),
    retryMaxMs: spanMs("CRUNCH_RUN_RETRY_MAX_MS", 30_000),
    logMaxBytes: bytesOf("CRUNCH_RUN_LOG_MAX_BYTES"),
  };
}

function spanMs(name: string, otherwiseMs: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return otherwiseMs;
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new RunnerError(
      `environment: ${name}: ${JSON.stringify(text)}: expected milliseconds, like ${otherwiseMs}`,
    );
  }
  return Number(text);
}

function bytesOf(name: string): number {
  const text = process.env[name] || "0";
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RunnerError(
    `environment: ${name}: ${JSON.stringify(text)}: expected a number of bytes`,
  );
}
