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
  for (const what of ["commands", "decisions", "limits"] as const) {
    const a = JSON.stringify(sorted(recorded[what]));
    if (a !== JSON.stringify(sorted(replayed[what])))
      return { seq, what, recorded: recorded[what] ?? null, replayed: replayed[what] ?? null };
  }
  return undefined;
}

/** Keys in one order: a record that went through JSON compares with one that did not. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]),
  );
}
