import { randomBytes } from "node:crypto";
import type { Link } from "./batch.ts";
import { checksumAt } from "./batches.ts";
import { findBreak, withBreak, type Testimony } from "./continuity.ts";
import { readMeta, writeIdentity, writeMeta } from "./meta.ts";
import { inTransaction } from "./rows.ts";
import type { Store } from "./store.ts";

/** A store as a start goes on with it. */
export interface Opened {
  readonly store: Store;
  /** Whether the file says under which id it goes on; else that comes with the first record. */
  readonly isRecorded: boolean;
}

function makeJournalId(): string {
  return randomBytes(6).toString("hex");
}

/** Under the same id, or under a new one where the witness saw more than there is. It never keeps a start from going on. */
export function goOn(
  store: Store,
  found: { readonly tail: Link; readonly testimony: Testimony; readonly nowMs: number },
): Opened {
  const { tail, testimony, nowMs } = found;
  const { id, breaks } = store;
  const seen = {
    id,
    breaks,
    lastSeq: tail.seq,
    checksumAt: (seq: number) => checksumAt(store, seq),
  };
  const added = findBreak(testimony, seen, nowMs);
  if (!added) return { store, isRecorded: true };
  const renewed = { ...store, id: makeJournalId(), breaks: withBreak(breaks, added) };
  return { store: renewed, isRecorded: recordNow(renewed) };
}

/** A full disk takes no record either. */
function recordNow(store: Store): boolean {
  try {
    recordBreak(store);
    return true;
  } catch {
    return false;
  }
}

/** Writes under which id the store goes on, and drops what is about records that are missing. Before any is added. */
export function recordBreak(store: Store): void {
  const { db, breaks } = store;
  const lastSeq = breaks.at(-1)?.lastSeq ?? 0;
  inTransaction(store, () => {
    writeIdentity(store, store);
    db.prepare("DELETE FROM checkpoint WHERE seq > ?").run(lastSeq);
    if (Number(readMeta(store, "indexed_seq")) <= lastSeq) return;
    db.prepare("DELETE FROM actor_record WHERE seq > ?").run(lastSeq);
    writeMeta(store, "indexed_seq", lastSeq);
  });
}
