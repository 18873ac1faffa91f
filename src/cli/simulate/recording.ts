import { openJournal } from "../../drivers/journal/sqlite.ts";
import { Core } from "../../machines/core/core.ts";
import { replay } from "../../machines/core/replay.ts";
import type { Difference } from "../../machines/core/replay.ts";
import { toldChanges, toldCore, toldRecord } from "../../machines/explain/told.ts";
import type { Pace, Settings } from "../../machines/model/settings.ts";
import { toldTimesOf } from "../../machines/model/told-times.ts";
import { Meter } from "../../simulator/meter.ts";
import type { Summary } from "../../simulator/meter.ts";
import { RecordedWorkload } from "../../simulator/recorded-workload.ts";
import type { Workload } from "../../simulator/workload.ts";
import { CliError } from "../exit-code.ts";
import { startsOf } from "../replay-journal.ts";

/** What a journal holds, decided anew. */
export interface Recording {
  readonly settings: Settings;
  /** Of its last start, unless that was pruned. */
  readonly pace: Pace | undefined;
  readonly workload: Workload;
  readonly summary: Summary;
  readonly recordsCount: number;
  /** Where this code decides otherwise than what is recorded; from there on, the recorded decisions stand. */
  readonly difference: Difference | undefined;
}

/** Throws `CliError`, `JournalError`. */
export async function readRecording(path: string, nowMs: () => number): Promise<Recording> {
  const journal = openJournal({ path, mode: "read", nowMs });
  try {
    const [start] = startsOf(journal, {});
    const core = start ? Core.restore(start.state) : new Core(journal.id);
    const meter = new Meter();
    const workload = new RecordedWorkload();
    const times = toldTimesOf(journal);
    const begun = toldCore(core, times);
    meter.begin(begun.registry, begun.settings, begun.atMs);
    let pace: Pace | undefined;
    const replayed = replay(core, journal.read({ fromSeq: core.seq + 1 }), (recorded, applied) => {
      const record = toldRecord(recorded, times);
      const changes = toldChanges(record.seq, applied.changes, times);
      if (record.fact.type === "config.loaded") pace = record.fact.pace;
      meter.follow(record, changes);
      workload.follow(record, changes);
    });
    const { settings } = core;
    if (!settings)
      throw new CliError(`${path} holds no configuration: nothing was ever run with it`);
    const { recordsCount, difference } = replayed;
    const summary = meter.finish();
    return { settings, pace, workload: workload.finish(), summary, recordsCount, difference };
  } finally {
    await journal.close();
  }
}
