import { SYSTEM_TIME, WallClockWatch, type Clock } from "../../actors/clock.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { formatSpan } from "../../machines/model/amounts.ts";
import type { Alarms } from "./alarms.ts";

const EVERY_MS = 10_000;
/** A little is what a machine's clock is corrected by; the alarm is for what misleads people. */
const ALARM_MS = 10_000;

interface Told {
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Says when the wall clock parts from the time of the run, which it does not change; returns what ends it. */
export function keepClockWatch({ clock, alarms, metrics, log }: Told): () => void {
  const watch = new WallClockWatch(
    () => SYSTEM_TIME.wallMs(),
    () => clock.nowMs(),
  );
  let cancel = (): void => {};
  const round = (): void => {
    const { offsetMs, jumpMs } = watch.look();
    metrics.core.clockOffset.set(offsetMs / 1000);
    if (jumpMs !== 0) {
      metrics.core.clockJumps.inc();
      log.warn(
        { JumpSeconds: jumpMs / 1000, OffsetSeconds: offsetMs / 1000 },
        "wall clock was set",
      );
    }
    const changed = alarms.set("clock", Math.abs(offsetMs) < ALARM_MS ? "" : textOf(offsetMs));
    if (changed && !alarms.isRaised("clock")) log.info({ Alarm: "clock" }, "alarm is over");
    cancel = clock.setTimer(EVERY_MS, round);
  };
  round();
  return () => cancel();
}

function textOf(offsetMs: number): string {
  const wholeMs = Math.round(Math.abs(offsetMs) / 1000) * 1000;
  const where = `${formatSpan(wholeMs)} ${offsetMs > 0 ? "ahead of" : "behind"}`;
  return (
    `the wall clock of this machine is ${where} the time of this run, which goes on as it began: the next start takes the ` +
    "wall clock's"
  );
}
