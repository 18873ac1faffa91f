import { formatSpan } from "../../machines/model/amounts.ts";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Environment } from "../../config/environment.ts";
import { readDaemonFile } from "../daemon-file.ts";
import { CliError } from "../exit-code.ts";

const START_TIMEOUT_MS = 20_000;
const LOOK_MS = 50;
const LOG_LINES = 15;
const MAIN_PATH = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

/** A dispatcher that runs as a child of this process. */
export interface DaemonProcess {
  readonly pid: number;
  /** Its exit code; 128 + n after signal n. Undefined while it runs. */
  exitCode(): number | undefined;
  /** Resolves once it answers by its own account (daemon.json). Rejects if it ends before or takes too long. */
  ready(signal: AbortSignal): Promise<void>;
  /** Whether it ended within the span. */
  endsWithin(spanMs: number): Promise<boolean>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** The last lines of its log. */
  logTail(): string;
}

/** Runs in a session of its own: Ctrl-C at the terminal is ours to handle, in our order. */
export function startDaemon(configPath: string, dataDir: string, env: Environment): DaemonProcess {
  const logPath = join(dataDir, "daemon.log");
  const log = openSync(logPath, "a", 0o600);
  const child = spawn(process.execPath, [MAIN_PATH, "run", "--config", configPath], {
    cwd: dataDir,
    // A real cluster's settings are none of the demo's business.
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("ARVADOS_"))),
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  let failure: Error | undefined;
  child.on("error", (error) => (failure = error));
  const exitCode = () => {
    if (child.signalCode !== null) return 128 + 9;
    return child.exitCode ?? (failure ? 1 : undefined);
  };
  const logTail = () =>
    readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-LOG_LINES).join("\n");
  return {
    pid: child.pid ?? 0,
    exitCode,
    logTail,
    kill: (name) => void child.kill(name),
    async ready(signal) {
      const untilMs = performance.now() + START_TIMEOUT_MS;
      while (readDaemonFile(dataDir)?.pid !== child.pid) {
        if (failure) throw failure;
        if (exitCode() !== undefined) {
          throw new CliError(
            `the dispatcher ended with exit code ${exitCode()} before it was ready`,
          );
        }
        if (performance.now() > untilMs) {
          throw new CliError(`the dispatcher was not ready within ${formatSpan(START_TIMEOUT_MS)}`);
        }
        await delay(LOOK_MS, undefined, { signal });
      }
    },
    async endsWithin(spanMs) {
      if (exitCode() !== undefined) return true;
      const timeout = new AbortController();
      const exited = once(child, "exit").then(() => true);
      const late = delay(spanMs, false, { signal: timeout.signal }).catch(() => false);
      const ended = await Promise.race([exited, late]);
      timeout.abort();
      return ended;
    },
  };
}
