import type { ReadModel } from "../actors/read-model.ts";
import { ONLY } from "../machines/model/ids.ts";
import { instant } from "./instant.ts";
import type { Alarm } from "./view-options.ts";
import { alarmRow } from "./state-view.ts";
import type { StatusEvent } from "./wire/events.ts";

/** What every client is told every few seconds, also when nothing happens. */
export function statusEvent(status: {
  readonly readModel: Pick<ReadModel, "seq" | "get">;
  readonly nowMs: number;
  readonly accepting: boolean;
  readonly readOnly: boolean;
  readonly alarms: readonly Alarm[];
}): StatusEvent {
  const { readModel, nowMs, accepting, readOnly, alarms } = status;
  return {
    now: instant(nowMs),
    seq: readModel.seq,
    supervisor: readModel.get("supervisor", ONLY)?.value ?? "standby",
    accepting,
    read_only: readOnly,
    alarms: alarms.map(alarmRow),
  };
}
