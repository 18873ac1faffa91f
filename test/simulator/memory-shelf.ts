import type { Clock } from "../../src/actors/clock.ts";
import { sealBatch } from "../../src/drivers/journal/batch.ts";
import type { Batch } from "../../src/drivers/journal/batch.ts";
import { makeMemoryStore, openMemoryJournal } from "../../src/drivers/journal/memory.ts";
import { idAt } from "../../src/drivers/journal/meta.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import type { JournalShelf } from "../../src/simulator/seed-run.ts";

/** Journals in memory, which can be lost or set back as files can. */
export function memoryShelf(): JournalShelf & { text(): string } {
  let count = 1;
  let store = makeMemoryStore("j1");
  return {
    open: (clock) => openMemoryJournal(store, { makeId: () => `j${++count}`, ...behind(clock) }),
    rewind(seq) {
      // No copy of a pruned journal is older than the checkpoint that it was pruned up to.
      if (store.baseSeq > 0 && seq < (store.checkpoints[0]?.seq ?? Infinity)) return;
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
      store.batches.push(halfOf(last));
    },
    damage(chance) {
      const at = chance.between(0, store.batches.length - 2);
      const batch = store.batches[at];
      if (!batch || store.batches.length < 2) return false;
      store.batches[at] = halfOf(batch);
      store.checkpoints = store.checkpoints.filter(({ seq }) => seq < batch.lastSeq);
      return true;
    },
    makeForeign({ unreadable }) {
      store.checkpoints = store.checkpoints.map(({ seq, state }) => ({
        seq,
        code: "another version",
        state: unreadable ? state.replace('"actors":', '"machines":') : state,
      }));
    },
    appendForeign() {
      const last = store.batches.at(-1);
      if (!last) return;
      const seq = last.lastSeq + 1;
      const fact = { type: "config.loaded", atMs: last.lastAtMs, hash: "", settings: null };
      const text = JSON.stringify({ seq, fact, commands: [], decisions: [] });
      const record: JournalRecord = JSON.parse(text);
      store.batches.push(sealBatch(store.id, { ...last, seq: last.lastSeq }, [record]));
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

function halfOf(batch: Batch): Batch {
  return { ...batch, body: batch.body.subarray(0, batch.body.length >> 1) };
}

function behind(clock: Clock | undefined) {
  if (!clock) return {};
  return {
    setTimer: (delayMs: number, callback: () => void) => clock.setTimer(delayMs, callback),
    nowMs: () => clock.nowMs(),
  };
}
