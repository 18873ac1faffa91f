import { batchLines } from "./batch.ts";
import { verifiedBatches } from "./batches.ts";
import type { ReadRange } from "./port.ts";
import { closeStore, openForReading, realPath } from "./store.ts";

/**
 * Hands out the records as they were written, one JSON text (without a line feed) each, and returns how many. Stops with
 * `JournalError` at damage; what comes behind it is had by another call with a later `fromSeq`.
 */
export function exportJournal(
  path: string,
  write: (line: string) => void,
  range: ReadRange = {},
): number {
  const store = openForReading(realPath(path));
  const { fromSeq = 0, toSeq = Infinity } = range;
  let count = 0;
  try {
    for (const batch of verifiedBatches(store, range)) {
      const lines = batchLines(batch);
      for (const [at, line] of lines.entries()) {
        const seq = batch.firstSeq + at;
        if (seq < fromSeq || seq > toSeq) continue;
        write(line);
        count += 1;
      }
    }
    return count;
  } finally {
    closeStore(store);
  }
}
