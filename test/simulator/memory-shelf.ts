import { makeMemoryStore, openMemoryJournal } from "../../src/drivers/journal/memory.ts";
import type { Clock } from "../../src/actors/clock.ts";
import { idAt } from "../../src/drivers/journal/meta.ts";
import type { JournalShelf } from "../../src/simulator/seed-run.ts";

/** Journals in memory, which can be lost or set back as files can. */
export function memoryShelf(): JournalShelf & { text(): string } {
  let count = 1;
  let store = makeMemoryStore("j1");
  return {
    open: (clock) => openMemoryJournal(store, { makeId: () => `j${++count}`, ...behind(clock) }),
    rewind(seq) {
      store.batches = store.batches.filter(({ lastSeq }) => lastSeq <= seq);
      const lastSeq = store.batches.at(-1)?.lastSeq ?? store.baseSeq;
      store.checkpoints = store.checkpoints.filter((checkpoint) => checkpoint.seq <= lastSeq);
      // As it said of itself then.
      store.id = idAt(store, Math.max(1, lastSeq));
      store.breaks = store.breaks.filter((one) => one.lastSeq < lastSeq);
    },
    oldestNoticed() {
      const { id, breaks, testimony } = store;
      if (typeof testimony === "string" || testimony.lastSeq === 0) return undefined;
      if (testimony.journalId === id) return testimony.lastSeq - 1;
      return Math.min(testimony.lastSeq - 1, breaks.at(-1)?.lastSeq ?? 0);
    },
    tear() {
      const last = store.batches.pop();
      if (!last) return;
      store.batches.push({ ...last, body: last.body.subarray(0, last.body.length >> 1) });
    },
    replace({ keepsWitness }) {
      const { testimony } = store;
      store = makeMemoryStore(`j${++count}`);
      if (keepsWitness) store.testimony = testimony;
    },
    /** All that is in the newest one. */
    text: () => store.batches.map(({ body }) => String(body)).join("\n"),
  };
}

function behind(clock: Clock | undefined) {
  if (!clock) return {};
  return {
    setTimer: (delayMs: number, callback: () => void) => clock.setTimer(delayMs, callback),
    nowMs: () => clock.nowMs(),
  };
}
