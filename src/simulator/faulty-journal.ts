import type { Clock } from "../actors/clock.ts";
import { JournalError } from "../drivers/journal/port.ts";
import type { Journal } from "../drivers/journal/port.ts";
import type { Faults } from "./faults.ts";
import { never } from "./lifeline.ts";
import type { Lifeline } from "./lifeline.ts";
import { wait } from "./wait.ts";

const SLOW_MAX_MS = 10_000;
const FULL_MAX_MS = 60_000;

export interface FaultyJournalOptions {
  readonly journal: Journal;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly lifeline: Lifeline;
  /** Kills the dispatcher, now. */
  readonly kill: () => void;
}

/** A journal on a bad disk, under a dispatcher that may be killed at any record. */
export function faultyJournal(options: FaultyJournalOptions): Journal {
  const { journal, faults, clock, lifeline, kill } = options;
  let fullUntilMs = 0;
  const append: Journal["append"] = async (records) => {
    if (records.length === 0) return journal.append(records);
    if (faults.happens("journalSlow")) {
      const delayMs = faults.chance("journalSlow").between(0, SLOW_MAX_MS);
      await wait(clock, delayMs);
    }
    if (!lifeline.alive) return never();
    if (faults.happens("journalFull"))
      fullUntilMs = clock.nowMs() + faults.chance("journalFull").between(0, FULL_MAX_MS);
    if (clock.nowMs() < fullUntilMs && !faults.stopped)
      throw new JournalError("diskFull", "no space left on the journal's disk");
    if (!records.some(() => faults.happens("killed"))) return journal.append(records);
    // Within the commit, of which nothing is kept then, or right after it, when nobody has heard of it yet.
    if (faults.chance("killed").happens(0.5)) await journal.append(records);
    kill();
    return never();
  };
  return {
    ...forwarded(journal),
    get lastSeq() {
      return journal.lastSeq;
    },
    append,
    restoreBallast: () => clock.nowMs() >= fullUntilMs && journal.restoreBallast(),
  };
}

function forwarded(journal: Journal): Journal {
  return {
    id: journal.id,
    breaks: journal.breaks,
    lastSeq: 0,
    append: (records) => journal.append(records),
    read: (range) => journal.read(range),
    saveCheckpoint: (checkpoint) => journal.saveCheckpoint(checkpoint),
    checkpoint: (options) => journal.checkpoint(options),
    checkpointSeqs: () => journal.checkpointSeqs(),
    seqsOf: (key, options) => journal.seqsOf(key, options),
    rebuildIndex: () => journal.rebuildIndex(),
    stats: () => journal.stats(),
    accept: (by) => journal.accept(by),
    checkChain: (pause) => journal.checkChain(pause),
    prune: (limits) => journal.prune(limits),
    releaseBallast: () => journal.releaseBallast(),
    restoreBallast: () => journal.restoreBallast(),
    close: () => journal.close(),
  };
}
