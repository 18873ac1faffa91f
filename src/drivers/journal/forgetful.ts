import { makeMemoryStore, openMemoryJournal } from "./memory.ts";
import type { Journal } from "./port.ts";

/** A journal that keeps nothing, for a simulation whose records nobody reads again: a year of them fits into no memory. */
export function openForgetfulJournal(id: string): Journal {
  const empty = openMemoryJournal(makeMemoryStore(id));
  let lastSeq = 0;
  return {
    ...empty,
    get lastSeq() {
      return lastSeq;
    },
    async append(records) {
      lastSeq = records.at(-1)?.seq ?? lastSeq;
    },
    async saveCheckpoint() {},
  };
}
