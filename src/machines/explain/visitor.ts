import type { Core } from "../core/core.ts";
import type { Change } from "../core/draft.ts";
import type { JournalRecord } from "../model/record.ts";

/** Is shown a journal record by record, with times as they are told now. */
export interface JournalVisitor {
  /** The state before the first record that is seen. */
  begin?(core: Core): void;
  /** A record and what it changed, once the core has taken it in; false: it has seen enough. */
  see(record: JournalRecord, changes: readonly Change[], core: Core): boolean | void;
}
