import type { JournalRecord } from "../model/record.ts";
import type { Core } from "./core.ts";
import type { Applied } from "./core.ts";

/** Where a replay came to something else than what is recorded. */
export interface Difference {
  readonly seq: number;
  readonly what: "seq" | "commands" | "decisions" | "limits";
  readonly recorded: unknown;
  readonly replayed: unknown;
}

export interface Replayed {
  readonly core: Core;
  readonly recordsCount: number;
  /** The first one; the fold stops there. */
  readonly difference: Difference | undefined;
}

/**
 * Folds records without any effect, deciding everything anew, and compares what it comes to with what is recorded.
 * `onRecord` sees each record that agreed.
 */
export function replay(
  core: Core,
  records: Iterable<JournalRecord>,
  onRecord?: (record: JournalRecord, applied: Applied) => void,
): Replayed {
  let recordsCount = 0;
  for (const record of records) {
    const applied = core.apply(record.fact);
    const difference = compare(record, applied.record);
    if (difference) return { core, recordsCount, difference };
    recordsCount++;
    onRecord?.(record, applied);
  }
  return { core, recordsCount, difference: undefined };
}

/** Folds records as a restart does: recorded decisions are taken as they are. */
export function fold(core: Core, records: Iterable<JournalRecord>): Core {
  for (const record of records) foldRecord(core, record);
  return core;
}

/** One step of the fold, with what it changed. */
export function foldRecord(core: Core, record: JournalRecord): Applied {
  const applied = core.apply(record.fact, record);
  // Under other code a fact may come to nothing; the numbering goes on as recorded.
  core.seq = record.seq;
  return applied;
}

function compare(
  recorded: JournalRecord,
  replayed: JournalRecord | undefined,
): Difference | undefined {
  const { seq } = recorded;
  if (replayed?.seq !== seq)
    return { seq, what: "seq", recorded: seq, replayed: replayed?.seq ?? null };
  for (const what of ["commands", "decisions", "limits"] as const)
    if (!isSame(recorded[what], replayed[what]))
      return { seq, what, recorded: recorded[what] ?? null, replayed: replayed[what] ?? null };
  return undefined;
}

/** As JSON has them: a record that went through it compares with one that did not, and in any order of keys. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b || (inJson(a) === null && inJson(b) === null)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [one, other] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  let count = 0;
  for (const key in one) {
    if (one[key] === undefined) continue;
    if (!isSame(one[key], other[key])) return false;
    count++;
  }
  for (const key in other) if (other[key] !== undefined) count--;
  return count === 0;
}

/** Numbers that are none become null there. */
function inJson(value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}
