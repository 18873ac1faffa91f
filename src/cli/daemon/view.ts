import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../actors/clock.ts";
import type { Supervisor } from "../../actors/supervisor.ts";
import { makeExplainer } from "../../actors/timeline/explain.ts";
import { Timeline } from "../../actors/timeline/timeline.ts";
import type { ClusterConfig } from "../../config/load.ts";
import type { Journal } from "../../drivers/journal/port.ts";
import { EventHub } from "../../http/event-hub.ts";
import { statusEvent } from "../../http/status-event.ts";
import type { ViewOptions } from "../../http/view-options.ts";
import type { Alarms } from "./alarms.ts";

/** Where `npm run build` puts the page, whether this file is built or not. */
export const PAGE_FOLDER = fileURLToPath(new URL("../../../dist/http/visualizer", import.meta.url));

/** Some seconds of one core, in slices. */
const RECORDS_MAX = 200_000;

export interface ViewContext {
  readonly config: ClusterConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly supervisor: Supervisor;
  readonly lastGoodProbeAtMs: (workerId: string) => number;
  readonly journal: Journal;
  readonly alarms: Alarms;
}

/** What the page's endpoints show of a running dispatcher; `close` ends the event streams. */
export function makeView(context: ViewContext): { options: ViewOptions; close: () => void } {
  const { config, clock, supervisor, journal, alarms } = context;
  const { readModel } = supervisor;
  const instanceTypes = () => config.instanceTypes;
  const readOnly = config.dispatchCloud.page.readOnly;
  const pause = (): Promise<void> => nextTurn();
  const past = { journal, recordsMax: RECORDS_MAX, pause };
  const events = new EventHub({
    lastSeq: readModel.seq,
    instanceTypes,
    clock,
    status: () =>
      statusEvent({
        readModel,
        nowMs: clock.nowMs(),
        accepting: supervisor.accepting,
        readOnly,
        alarms: alarms.list(),
      }),
  });
  const following = supervisor.released.subscribe({
    next: (released) => events.push(released),
    complete: () => events.close(),
  });
  const options: ViewOptions = {
    version: context.version,
    nowMs: () => clock.nowMs(),
    readOnly,
    timeline: new Timeline(past),
    events,
    explain: makeExplainer({ ...past, live: readModel, nowMs: () => clock.nowMs() }),
    journalStats: () => journal.stats(),
    live: {
      readModel,
      settings: () => supervisor.knownSettings,
      instanceTypes,
      alarms: () => alarms.list(),
      lastGoodProbeAtMs: context.lastGoodProbeAtMs,
    },
    pause,
  };
  const close = (): void => {
    following.unsubscribe();
    events.close();
  };
  return { options, close };
}
