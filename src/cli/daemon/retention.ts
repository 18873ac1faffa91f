import type { Clock } from "../../actors/clock.ts";
import type { Journal } from "../../drivers/journal/port.ts";
import type { Logger } from "../../telemetry/logger.ts";

const EVERY_MS = 3_600_000;

/** Keeps the journal within its limits from now on, once an hour; returns what ends it. A limit of 0 is none. */
export function keepRetention(
  { maxAgeMs, maxBytes }: { readonly maxAgeMs: number; readonly maxBytes: number },
  {
    journal,
    clock,
    log,
  }: { readonly journal: Journal; readonly clock: Clock; readonly log: Logger },
): () => void {
  let cancel = (): void => {};
  let lastAtMs = clock.nowMs();
  const round = (): void => {
    const nowMs = clock.nowMs();
    const limits = { maxAgeMs: maxAgeMs || undefined, maxBytes: maxBytes || undefined };
    journal
      .prune({ ...limits, nowMs, ranForMs: Math.min(EVERY_MS, nowMs - lastAtMs) })
      .then((records) => {
        if (records > 0) log.info({ Records: records }, "journal pruned");
      })
      .catch((error: unknown) => log.warn({ err: error }, "journal cannot be pruned"));
    lastAtMs = nowMs;
    cancel = clock.setTimer(EVERY_MS, round);
  };
  round();
  return () => cancel();
}
