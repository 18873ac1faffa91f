import { explain, type ExplainOptions } from "../../src/actors/timeline/explain.ts";
import type { Journal } from "../../src/drivers/journal/port.ts";
import { makeMemoryStore, openMemoryJournal } from "../../src/drivers/journal/memory.ts";
import { CODE_VERSION } from "../../src/machines/core/core.ts";
import type {
  ContainerExplanation,
  Explanation,
  WorkerExplanation,
} from "../../src/machines/explain/explanation.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import type { CoreBuilder } from "./core-builder.ts";

/** A journal of these records, a batch each, so that any number of them can be pruned. */
export async function journalOf(records: readonly JournalRecord[]): Promise<Journal> {
  const journal = openMemoryJournal(makeMemoryStore("j1"));
  for (const record of records) await journal.append([record]);
  return journal;
}

/** What the builder was fed so far, as a journal. */
export async function journalOfBuilder({ journaled }: CoreBuilder): Promise<Journal> {
  return journalOf(journaled);
}

/** Keeps the state of a builder that has been fed all that the journal has. */
export async function saveState(journal: Journal, { core }: CoreBuilder): Promise<void> {
  await journal.saveCheckpoint({ seq: core.seq, code: CODE_VERSION, state: core.store() });
}

export async function tell(
  journal: Journal,
  id: string,
  changes: Partial<ExplainOptions> = {},
): Promise<Explanation | undefined> {
  return explain(id, { journal, recordsMax: Infinity, pause: async () => {}, ...changes });
}

export async function tellContainer(
  builder: CoreBuilder,
  id: string,
): Promise<ContainerExplanation> {
  const explanation = await tell(await journalOfBuilder(builder), id, { nowMs: builder.nowMs });
  if (explanation?.kind !== "container") throw new Error(`no container ${id}`);
  return explanation;
}

export async function tellWorker(builder: CoreBuilder, id: string): Promise<WorkerExplanation> {
  const explanation = await tell(await journalOfBuilder(builder), id, { nowMs: builder.nowMs });
  if (explanation?.kind !== "worker") throw new Error(`no worker ${id}`);
  return explanation;
}
