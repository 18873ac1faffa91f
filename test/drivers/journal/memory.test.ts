import { expect, it } from "vitest";
import { openForgetfulJournal } from "../../../src/drivers/journal/forgetful.ts";
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

it("that is forgetful takes everything and keeps nothing", async () => {
  const journal = openForgetfulJournal("j1");
  for (const seq of [1, 4, 7]) await journal.append(recordsFrom(seq, 3));
  await journal.saveCheckpoint({ seq: 9, code: "1", state: "{}" });
  expect([journal.lastSeq, [...journal.read()], journal.checkpointSeqs()]).toEqual([9, [], []]);
});
