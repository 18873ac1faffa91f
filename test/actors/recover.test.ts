import { describe, expect, it } from "vitest";
import { recoverCore } from "../../src/actors/recover.ts";
import type { Journal } from "../../src/drivers/journal/port.ts";
import { CODE_VERSION } from "../../src/machines/core/core.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { journalOfBuilder } from "../support/told-journal.ts";

const builder = new CoreBuilder().dispatching().container("zzzzz-dz642-000000000000001");
const state = builder.core.store();
const { seq } = builder.core;

function recover(journal: Journal) {
  const told: string[] = [];
  const tell = (_fields: object, message = ""): void => void told.push(message);
  return { ...recoverCore(journal, { info: () => {}, warn: tell, error: tell }), told };
}

/** With what an earlier version kept of its last state. */
async function upgraded(stored: string): Promise<Journal> {
  const journal = await journalOfBuilder(builder);
  await journal.saveCheckpoint({ seq, code: `before ${CODE_VERSION}`, state: stored });
  return journal;
}

const prune = (journal: Journal) => journal.prune({ nowMs: builder.nowMs, maxBytes: 0 });

describe("a start goes on", () => {
  it("from the records alone", async () => {
    const { core, isWhole, told } = recover(await journalOfBuilder(builder));
    expect({ state: core.store(), isWhole, told }).toEqual({ state, isWhole: true, told: [] });
  });

  it("from the state of another version, where the records before it are pruned", async () => {
    const journal = await upgraded(state);
    expect(await prune(journal)).toBe(seq);
    const { core, isWhole, told } = recover(journal);
    expect({ state: core.store(), isWhole, told }).toEqual({ state, isWhole: true, told: [] });
  });

  it("from the records, where it cannot read that state", async () => {
    const { core, isWhole, told } = recover(await upgraded("{}"));
    expect({ state: core.store(), isWhole }).toEqual({ state, isWhole: true });
    expect(told).toEqual(["checkpoint cannot be read by this version, folding from the beginning"]);
  });

  it("from what is left, where it cannot read that state and records are pruned", async () => {
    const journal = await upgraded("{}");
    const atMs = builder.nowMs + 1;
    const fact = { type: "queue.polled", atMs, basedOnSeq: seq, startedAtMs: atMs } as const;
    await journal.append([{ seq: seq + 1, fact, commands: [], decisions: [] }]);
    await prune(journal);
    const { core, isWhole } = recover(journal);
    expect({ seq: core.seq, atMs: core.atMs, isWhole }).toEqual({
      seq: seq + 1,
      atMs,
      isWhole: false,
    });
  });

  it("from nothing, with its numbers and its time, where a record cannot be folded", async () => {
    const journal = await journalOfBuilder(builder);
    const atMs = builder.nowMs + 1;
    const fact = { type: "config.loaded", atMs, hash: "", settings: null };
    const text = JSON.stringify({ seq: seq + 1, fact, commands: [], decisions: [] });
    const foreign: JournalRecord = JSON.parse(text);
    await journal.append([foreign]);
    const { core, isWhole, told } = recover(journal);
    expect({ seq: core.seq, atMs: core.atMs, isWhole }).toEqual({
      seq: seq + 1,
      atMs,
      isWhole: false,
    });
    expect(core.registry.size("container")).toBe(0);
    expect(told).toEqual([
      "journal cannot be folded by this version, starting from what is observed",
    ]);
  });
});
