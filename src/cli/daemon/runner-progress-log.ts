import type { RunnerProgress } from "../../actors/runner-binary.ts";
import type { Logger } from "../../telemetry/logger.ts";

/** Between two lines on one copy. */
const PAUSE_MS = 5_000;

/** Logs copies of the runner: their start, how far they are every few seconds, and their end. */
export function makeRunnerProgressLog(
  log: Pick<Logger, "info" | "warn">,
  nowMs: () => number,
): (progress: RunnerProgress) => void {
  const toldAtMs = new Map<string, number>();
  return ({ instanceId, state, sentBytes, totalBytes, isGzipped, error }) => {
    const fields = {
      Instance: instanceId,
      SentBytes: sentBytes,
      TotalBytes: totalBytes,
      Gzipped: isGzipped,
    };
    if (state === "copied" || state === "failed") toldAtMs.delete(instanceId);
    if (state === "copied") return log.info(fields, "runner has been copied to worker");
    if (state === "failed")
      return log.warn({ ...fields, Error: error }, "runner could not be copied to worker");
    if (state === "underWay" && nowMs() - (toldAtMs.get(instanceId) ?? 0) < PAUSE_MS) return;
    toldAtMs.set(instanceId, nowMs());
    log.info(fields, "runner is being copied to worker");
  };
}
