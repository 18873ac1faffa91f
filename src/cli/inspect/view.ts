import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../actors/clock.ts";
import { makeExplainer } from "../../actors/timeline/explain.ts";
import { Timeline, type Seen } from "../../actors/timeline/timeline.ts";
import type { Journal } from "../../drivers/journal/port.ts";
import { EventHub } from "../../http/event-hub.ts";
import { instant } from "../../http/instant.ts";
import type { ViewOptions } from "../../http/view-options.ts";
import { ONLY } from "../../machines/model/ids.ts";
import { packageVersion } from "../version.ts";

const LOOK_EVERY_MS = 500;
/** What is read in one look; a journal that grew by more is taken up at its end. */
const RECORDS_PER_LOOK = 2_000;
/** Nobody else waits for this process. */
const RECORDS_MAX = 2_000_000;

/**
 * What the page's endpoints show of a journal file; where a dispatcher is writing it, the events follow. Throws
 * `TimelineError` and `JournalError` where its end cannot be folded.
 */
export async function openView(
  journal: Journal,
  clock: Clock,
  onError: (error: Error) => void,
): Promise<{ options: ViewOptions; close: () => void }> {
  const pause = (): Promise<void> => nextTurn();
  const past = { journal, recordsMax: RECORDS_MAX, pause };
  const timeline = new Timeline(past);
  const { lastSeq } = journal;
  const core = await timeline.state(lastSeq);
  let types = core.settings?.instanceTypes ?? {};
  let supervisor: string = core.registry.get("supervisor", ONLY)?.value ?? "standby";
  const events: EventHub = new EventHub({
    lastSeq,
    newestSeq: () => journal.lastSeq,
    instanceTypes: () => types,
    clock,
    status: () => ({
      now: instant(clock.nowMs()),
      seq: events.lastSeq,
      supervisor,
      accepting: true,
      read_only: true,
      alarms: [],
    }),
  });
  const take = (seen: Seen): void => {
    types = seen.types;
    const change = seen.changes.find(({ kind }) => kind === "supervisor");
    if (change) supervisor = change.after.value as string;
    events.push(seen);
  };
  const look = async (): Promise<void> => {
    const newest = journal.lastSeq;
    if (newest - events.lastSeq > RECORDS_PER_LOOK) events.skipTo(newest);
    else if (newest > events.lastSeq)
      for (const seen of await timeline.records(events.lastSeq + 1, RECORDS_PER_LOOK)) take(seen);
  };
  let cancel = (): void => {};
  let isClosed = false;
  const round = (): void => {
    cancel = clock.setTimer(LOOK_EVERY_MS, () => {
      look()
        .catch((error: Error) => (isClosed ? undefined : onError(error)))
        .finally(() => (isClosed ? undefined : round()));
    });
  };
  round();
  const options: ViewOptions = {
    version: packageVersion(),
    nowMs: () => clock.nowMs(),
    readOnly: true,
    timeline,
    events,
    explain: makeExplainer(past),
    journalStats: () => journal.stats(),
    live: undefined,
    pause,
  };
  const close = (): void => {
    isClosed = true;
    cancel();
    events.close();
  };
  return { options, close };
}
