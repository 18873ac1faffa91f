import Database from "libsql";
import { openMemoryJournal, type MemoryStore } from "../../../src/drivers/journal/memory.ts";
import { sealMeta } from "../../../src/drivers/journal/meta.ts";
import { openJournal } from "../../../src/drivers/journal/sqlite.ts";
import type { JournalRecord } from "../../../src/machines/model/record.ts";

const RECORDS_PER_BATCH = 500;

/**
 * The records and checkpoints of a journal in memory as a file, under the same id: ids of commands begin with it, and a
 * seed is to give the same file every time. `path` must not exist yet.
 */
export async function writeJournalFile(store: MemoryStore, path: string): Promise<void> {
  const source = openMemoryJournal(store);
  const options = { path, mode: "write", nowMs: () => source.stats().firstAtMs ?? 0 } as const;
  await openJournal({ ...options, ballastBytes: 0 }).close();
  rename(path, store.id);
  const target = openJournal({ ...options, ballastBytes: 0, checkpointsKept: 1_000 });
  for (const batch of inBatches(source.read())) await target.append(batch);
  for (const checkpoint of store.checkpoints) await target.saveCheckpoint(checkpoint);
  await target.rebuildIndex();
  await target.close();
  await source.close();
}

function rename(path: string, id: string): void {
  const db = new Database(path);
  db.prepare("UPDATE meta SET value = ? WHERE key = 'journal_id'").run(id);
  sealMeta({ db });
  db.close();
}

function* inBatches(records: Iterable<JournalRecord>): Generator<JournalRecord[]> {
  let batch: JournalRecord[] = [];
  for (const record of records) {
    batch.push(record);
    if (batch.length < RECORDS_PER_BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}
