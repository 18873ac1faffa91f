import { expect, it } from "vitest";
import { makeMemoryStore, openMemoryJournal } from "../../../src/drivers/journal/memory.ts";
import { JournalError } from "../../../src/drivers/journal/port.ts";
import { describeJournal } from "../../conformance/journal.conformance.ts";
import { recordsFrom } from "./records.ts";

describeJournal("the journal in memory", async () => {
  const store = makeMemoryStore("j1");
  return { open: () => openMemoryJournal(store), remove: async () => undefined };
});

it("fails the appends that it is told to fail, and keeps nothing of them", async () => {
  const journal = openMemoryJournal(makeMemoryStore("j1"));
  journal.failNextAppend(new JournalError("diskFull", "no space"), 2);
  await journal.append([]);
  await expect(journal.append(recordsFrom(1, 3))).rejects.toMatchObject({ code: "diskFull" });
  await expect(journal.append(recordsFrom(1, 3))).rejects.toMatchObject({ code: "diskFull" });
  expect(journal.lastSeq).toBe(0);
  await journal.append(recordsFrom(1, 3));
  expect([...journal.read()]).toEqual(recordsFrom(1, 3));
});

it("keeps the newest batches only, where it is told how many", async () => {
  const store = makeMemoryStore("j1");
  const journal = openMemoryJournal(store, { batchesKept: 1 });
  for (const seq of [1, 4, 7]) await journal.append(recordsFrom(seq, 3));
  expect([store.baseSeq, journal.lastSeq]).toEqual([6, 9]);
  expect([...journal.read({ fromSeq: 7 })]).toEqual(recordsFrom(7, 3));
});
