import type { Clock } from "../../src/actors/clock.ts";
import { Timeline } from "../../src/actors/timeline/timeline.ts";
import { makeMemoryStore, openMemoryJournal } from "../../src/drivers/journal/memory.ts";
import type { Journal } from "../../src/drivers/journal/port.ts";
import { EventHub, type EventHubOptions } from "../../src/http/event-hub.ts";
import { statusEvent } from "../../src/http/status-event.ts";
import type { ViewOptions } from "../../src/http/view-options.ts";
import type { CoreBuilder } from "../support/core-builder.ts";

export interface ViewChanges extends Partial<ViewOptions> {
  /** The builder's records as a journal; without it an empty one. */
  readonly journal?: Journal;
  readonly hub?: Partial<EventHubOptions>;
  /** Of every worker; by default it has answered just now. */
  readonly goodProbeAtMs?: number;
}

/** What the page's endpoints show of a builder, and of the journal of what it was fed. */
export function testView(
  builder: CoreBuilder,
  {
    journal,
    hub,
    clock,
    goodProbeAtMs,
    readOnly = false,
    ...changes
  }: ViewChanges & { readonly clock: Clock },
): ViewOptions {
  const { readModel } = builder;
  const nowMs = (): number => builder.nowMs;
  const instanceTypes = () => builder.core.settings?.instanceTypes ?? {};
  const shown = journal ?? openMemoryJournal(makeMemoryStore("j1"));
  const pause = async (): Promise<void> => {};
  return {
    version: "1.2.3",
    nowMs,
    readOnly,
    timeline: new Timeline({ journal: shown, recordsMax: 10_000, pause }),
    events: new EventHub({
      lastSeq: readModel.seq,
      instanceTypes,
      clock,
      status: () =>
        statusEvent({ readModel, nowMs: nowMs(), accepting: true, readOnly, alarms: [] }),
      ...hub,
    }),
    explain: async () => undefined,
    journalStats: () => shown.stats(),
    live: {
      readModel,
      settings: () => builder.core.settings,
      instanceTypes,
      alarms: () => [],
      lastGoodProbeAtMs: () => goodProbeAtMs ?? nowMs(),
    },
    pause,
    ...changes,
  };
}
