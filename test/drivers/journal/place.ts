import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openJournal, type JournalOptions } from "../../../src/drivers/journal/sqlite.ts";
import type { Journal } from "../../../src/drivers/journal/port.ts";
import { recordsFrom, START_MS } from "./records.ts";

/** A folder of its own for a journal file. */
export interface FilePlace {
  readonly folder: string;
  readonly path: string;
  open(options?: Partial<JournalOptions>): Journal;
  remove(): Promise<void>;
}

export async function makeFilePlace(): Promise<FilePlace> {
  const folder = await mkdtemp(join(tmpdir(), "journal-"));
  const path = join(folder, "journal.db");
  return {
    folder,
    path,
    open: (options = {}) =>
      openJournal({ path, mode: "write", nowMs: () => START_MS, ballastBytes: 8_192, ...options }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Batches of these sizes after what is there. */
export async function appendBatches(journal: Journal, ...sizes: number[]): Promise<void> {
  for (const size of sizes) await journal.append(recordsFrom(journal.lastSeq + 1, size));
}
