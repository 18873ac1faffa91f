import { JournalError } from "../drivers/journal/port.ts";
import type { Journal } from "../drivers/journal/port.ts";
import { CODE_VERSION, Core } from "../machines/core/core.ts";
import { fold } from "../machines/core/replay.ts";
import type { Logger } from "../telemetry/logger.ts";

type RecoveryLog = Pick<Logger, "info" | "warn" | "error">;

export interface Recovered {
  readonly core: Core;
  /** False where it lacks something that was recorded, which the cloud's list, the probes and the queue have to tell anew. */
  readonly isWhole: boolean;
}

/**
 * The state that the journal folds to: from the newest checkpoint that this code can read, with recorded decisions. What
 * cannot be folded is left to reality. Throws `JournalError` for a journal that is damaged.
 */
export function recoverCore(journal: Journal, log: RecoveryLog): Recovered {
  const checkpoint = journal.checkpoint({ code: CODE_VERSION }) ?? journal.checkpoint();
  const core = restore(checkpoint?.state, journal.id, log);
  const before = core.seq;
  const { records, firstSeq, lastAtMs } = journal.stats();
  const oldestSeq = records > 0 ? firstSeq : journal.lastSeq + 1;
  const fromSeq = Math.max(core.seq + 1, oldestSeq);
  try {
    fold(core, journal.read({ fromSeq }));
  } catch (error) {
    if (error instanceof JournalError) throw error;
    log.error(
      { err: error },
      "journal cannot be folded by this version, starting from what is observed",
    );
    return { core: emptyCore(journal), isWhole: false };
  }
  core.seq = journal.lastSeq;
  // A state that lacks its beginning passes over what it cannot take in, and time goes on all the same.
  core.atMs = lastAtMs ?? core.atMs;
  log.info({ JournalID: journal.id, Seq: core.seq, Folded: core.seq - before }, "journal folded");
  return { core, isWhole: fromSeq === before + 1 };
}

function restore(state: string | undefined, journalId: string, log: RecoveryLog): Core {
  if (state === undefined) return new Core(journalId);
  try {
    return Core.restore(state);
  } catch (error) {
    log.warn(
      { err: error },
      "checkpoint cannot be read by this version, folding from the beginning",
    );
    return new Core(journalId);
  }
}

function emptyCore(journal: Journal): Core {
  const core = new Core(journal.id);
  core.seq = journal.lastSeq;
  core.atMs = journal.stats().lastAtMs ?? 0;
  return core;
}
