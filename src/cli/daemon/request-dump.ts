import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../actors/clock.ts";
import type { Traffic } from "../../http/traffic.ts";
import type { Logger } from "../../telemetry/logger.ts";

const EVERY_MS = 60_000;
/** The original's name for it: operators' scripts look for that. */
const FILE_NAME = "arvados-dispatch-cloud-requests.json";

interface DumpOptions {
  /** `SystemLogs.RequestQueueDumpDirectory`; "": no dumps. */
  readonly directory: string;
  readonly traffic: Pick<Traffic, "isBusy" | "requests">;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
}

/**
 * Once a minute, while a queue of requests is nearly full, writes which they are (specification §11.6): when nothing gets through
 * any more, nobody can ask. Returns what ends it.
 */
export function keepRequestDump({ directory, traffic, clock, log }: DumpOptions): () => void {
  if (directory === "") return () => {};
  const path = join(directory, FILE_NAME);
  let cancel = (): void => {};
  const wait = (): void => {
    cancel = clock.setTimer(EVERY_MS, () => {
      if (traffic.isBusy) dump();
      wait();
    });
  };
  const dump = (): void => {
    try {
      writeFileSync(`${path}~`, `${JSON.stringify(traffic.requests.list(clock.nowMs()))}\n`);
      renameSync(`${path}~`, path);
    } catch (err) {
      log.warn({ err, path }, "request dump not written");
    }
  };
  wait();
  return () => cancel();
}
