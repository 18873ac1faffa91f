import type { JournalBreak, JournalBreakCause } from "./port.ts";

/** The end of a journal as it was seen last, kept beside it: what a lost or an older journal cannot tell of itself. */
export interface Witness {
  readonly journalId: string;
  readonly lastSeq: number;
  /** Of the batch that ends with `lastSeq`, in hex. */
  readonly checksum: string;
}

/** What a start finds beside the journal; `unreadable`: something is there, and is no witness. */
export type Testimony = Witness | "none" | "unreadable";

/** The journal as it is found. */
export interface FoundJournal {
  readonly id: string;
  readonly lastSeq: number;
  readonly breaks: readonly JournalBreak[];
  /** Hex; "pruned" where it is not known any more, undefined where no batch ends there. */
  checksumAt(seq: number): string | undefined;
}

export const PRUNED = "pruned";
/** Those that name an id of records are kept; of the others, the newest. */
const OTHERS_KEPT = 20;

/**
 * Whether a journal may go on under its id, since ids of commands and secrets of instances derive from it: not where
 * records that were written once are missing at its end. Undefined: it may.
 */
export function judge(testimony: Testimony, found: FoundJournal): JournalBreakCause | undefined {
  if (testimony === "none") return undefined;
  if (testimony === "unreadable") return "witnessUnreadable";
  const { journalId, lastSeq, checksum } = testimony;
  // Of a journal in which nothing was ever written.
  if (lastSeq === 0) return undefined;
  if (journalId !== found.id) {
    if (found.breaks.some((one) => covers(one, testimony))) return undefined;
    return found.lastSeq === 0 ? "lost" : "otherJournal";
  }
  if (lastSeq > found.lastSeq) return found.lastSeq === 0 ? "lost" : "endsEarly";
  const known = found.checksumAt(lastSeq);
  return known === PRUNED || known === checksum ? undefined : "otherRecords";
}

/** What a start finds that may not go on under its id; undefined where it may. */
export function findBreak(
  testimony: Testimony,
  found: FoundJournal,
  nowMs: number,
): JournalBreak | undefined {
  const cause = judge(testimony, found);
  if (!cause) return undefined;
  const { id, breaks, lastSeq } = found;
  const namedSeq = breaks.findLast(({ journalId }) => journalId !== null)?.lastSeq ?? 0;
  const seen = typeof testimony === "string" ? null : testimony;
  return {
    cause,
    atMs: Math.floor(nowMs),
    lastSeq,
    journalId: lastSeq > namedSeq ? id : null,
    witness: seen && { journalId: seen.journalId, lastSeq: seen.lastSeq },
    accepted: null,
  };
}

/** A witness of before the break, which was not written anew since. */
function covers({ journalId, lastSeq, witness }: JournalBreak, seen: Witness): boolean {
  if (witness?.journalId === seen.journalId && seen.lastSeq <= witness.lastSeq) return true;
  return journalId === seen.journalId && seen.lastSeq <= lastSeq;
}

/** With another one at the end; `journalId` is null there where no record was written under it. */
export function withBreak(
  breaks: readonly JournalBreak[],
  added: JournalBreak,
): readonly JournalBreak[] {
  // Nothing was written since: it is the same story, told again.
  const before = breaks.filter((one) => !(one.journalId === null && one.lastSeq === added.lastSeq));
  const others = before.filter(({ journalId }) => journalId === null);
  const dropped = new Set(others.slice(0, Math.max(0, others.length - OTHERS_KEPT + 1)));
  return [...before.filter((one) => !dropped.has(one)), added];
}

/** What the operator has not taken note of yet. */
export function openBreaks(breaks: readonly JournalBreak[]): readonly JournalBreak[] {
  return breaks.filter(({ accepted }) => accepted === null);
}

/** What happened, in words. `newId`: under which the journal goes on. */
export function breakText(
  { cause, journalId, lastSeq, witness }: JournalBreak,
  newId: string,
): string {
  const seen = witness
    ? `record ${witness.lastSeq} of journal ${witness.journalId} had been written`
    : "";
  const goesOn = `it goes on under the new id ${newId}`;
  switch (cause) {
    case "lost":
      return `the journal is empty or gone, and ${seen}: what it held is lost; ${goesOn}`;
    case "endsEarly":
      return (
        `the journal ends with record ${lastSeq}, and ${seen}: an older copy was put back, or its -wal file is lost; ` +
        `the records between are gone, and ${goesOn}`
      );
    case "otherRecords":
      return `the journal holds other records than when ${seen}: a copy went its own way; ${goesOn}`;
    case "otherJournal":
      return `journal ${journalId ?? ""} lies where ${seen}: another one was put in its place; ${goesOn}`;
    case "witnessUnreadable":
      return `the witness of where the journal ended cannot be read, so nobody knows whether records are missing after ${lastSeq}; ${goesOn}`;
  }
}
