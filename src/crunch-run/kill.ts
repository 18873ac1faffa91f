import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseProcessInfo, type ProcessInfo } from "./lock-file.ts";
import { containerLockPath, errorCode, errorText, RunnerError } from "./paths.ts";
import { signalRunner } from "./process-table.ts";

const POLL_MS = 10;
const PATIENCE_MS = 1000;

/**
 * Sends the signal once and waits up to a second for the runner to end (specification §13). Returns when it is gone or never
 * was; throws `RunnerError` when it lives, or when its lock file cannot be understood.
 */
export async function kill(
  containerUuid: string,
  signal: number,
  notice: (line: string) => void,
): Promise<void> {
  const path = containerLockPath(containerUuid);
  const info = readInfo(path, containerUuid);
  if (!info) return;
  const deadlineMs = performance.now() + PATIENCE_MS;
  let delivery = signalRunner(info.pid, signal, path);
  while (delivery === "delivered" && performance.now() < deadlineMs) {
    await delay(POLL_MS);
    delivery = signalRunner(info.pid, 0, path);
  }
  if (delivery === "delivered") {
    throw new RunnerError(
      `${containerUuid}: pid ${info.pid}: still running after signal ${signal}`,
    );
  }
  notice(`${containerUuid}: pid ${info.pid}: process already finished`);
}

function readInfo(path: string, containerUuid: string): ProcessInfo | undefined {
  let info: ProcessInfo;
  try {
    info = parseProcessInfo(readFileSync(path, "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new RunnerError(`${path}: ${errorText(error)}`, { cause: error });
  }
  if (info.uuid !== containerUuid) {
    throw new RunnerError(`${path}: belongs to container ${info.uuid}`);
  }
  return info;
}
