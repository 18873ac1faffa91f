import { makeMemoryStore, openMemoryJournal } from "../../src/drivers/journal/memory.ts";
import type { JournalShelf } from "../../src/simulator/seed-run.ts";

/** Journals in memory, which can be lost or set back as files can. */
export function memoryShelf(): JournalShelf & { text(): string } {
  let count = 1;
  let store = makeMemoryStore("j1");
  return {
    open: () => openMemoryJournal(store),
    rewind(seq) {
      store.batches = store.batches.filter(({ lastSeq }) => lastSeq <= seq);
      const lastSeq = store.batches.at(-1)?.lastSeq ?? store.baseSeq;
      store.checkpoints = store.checkpoints.filter((checkpoint) => checkpoint.seq <= lastSeq);
    },
    tear() {
      const last = store.batches.pop();
      if (!last) return;
      store.batches.push({ ...last, body: last.body.subarray(0, last.body.length >> 1) });
    },
    replace() {
      store = makeMemoryStore(`j${++count}`);
    },
    /** All that is in the newest one. */
    text: () => store.batches.map(({ body }) => String(body)).join("\n"),
  };
}
