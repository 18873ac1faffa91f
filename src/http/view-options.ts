import type { ReadModel } from "../actors/read-model.ts";
import type { Explain } from "../actors/timeline/explain.ts";
import type { Timeline } from "../actors/timeline/timeline.ts";
import type { JournalStats } from "../drivers/journal/port.ts";
import type { Settings } from "../machines/model/settings.ts";
import type { EventHub } from "./event-hub.ts";
import type { InstanceTypes } from "./instance-types.ts";

export interface Alarm {
  readonly alarm: string;
  readonly message: string;
  readonly sinceMs: number;
}

/** The dispatcher that runs here. */
export interface LiveView {
  readonly readModel: ReadModel;
  /** Null before a config was taken in. */
  readonly settings: () => Settings | null;
  readonly instanceTypes: () => InstanceTypes;
  readonly alarms: () => readonly Alarm[];
  /** A worker's watermark, by which its silence is judged. */
  readonly lastGoodProbeAtMs: (workerId: string) => number;
}

/** What the page's endpoints show: a journal, and the dispatcher that writes it, where it does so here. */
export interface ViewOptions {
  readonly version: string;
  readonly nowMs: () => number;
  readonly readOnly: boolean;
  readonly timeline: Timeline;
  readonly events: EventHub;
  readonly explain: Explain;
  readonly journalStats: () => JournalStats;
  readonly live: LiveView | undefined;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
}
