import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { actorsOf } from "../../src/machines/model/record-actors.ts";
import type { Journal, JournalErrorCode } from "../../src/drivers/journal/port.ts";
import {
  containerOf,
  recordAt,
  recordsFrom,
  START_MS,
  workerOf,
} from "../drivers/journal/records.ts";

/** A place where a journal can be opened, closed and opened again. */
export interface JournalPlace {
  open(): Journal;
  remove(): Promise<void>;
}

/** What every journal promises (`src/drivers/journal/port.ts`). */
export function describeJournal(name: string, makePlace: () => Promise<JournalPlace>): void {
  describe(`${name} keeps the contract of a journal`, () => {
    let place: JournalPlace;
    let journal: Journal;

    beforeEach(async () => {
      place = await makePlace();
      journal = place.open();
    });
    afterEach(async () => {
      await journal.close();
      await place.remove();
    });

    async function reopen(): Promise<void> {
      await journal.close();
      journal = place.open();
    }

    /** Batches of these sizes, one after another. */
    async function append(...sizes: number[]): Promise<void> {
      for (const size of sizes) await journal.append(recordsFrom(journal.lastSeq + 1, size));
    }

    const seqs = (range?: { fromSeq?: number; toSeq?: number }) =>
      [...journal.read(range)].map(({ seq }) => seq);

    it("begins empty, with an id", () => {
      expect(journal.id).toMatch(/^\w+$/);
      expect(journal.lastSeq).toBe(0);
      expect(seqs()).toEqual([]);
      expect(journal.checkpoint()).toBeUndefined();
      expect(journal.checkpointSeqs()).toEqual([]);
      expect(journal.seqsOf("worker/none")).toEqual([]);
      expect(journal.stats()).toMatchObject({
        records: 0,
        batches: 0,
        firstSeq: 0,
        lastSeq: 0,
        firstAtMs: null,
        lastAtMs: null,
      });
    });

    it("gives back what was appended, in order, also after it was closed and opened", async () => {
      await append(1, 3, 20);
      const id = journal.id;
      await reopen();
      expect(journal.id).toBe(id);
      expect(journal.lastSeq).toBe(24);
      expect([...journal.read()]).toEqual(recordsFrom(1, 24));
      await append(2);
      expect([...journal.read()]).toEqual(recordsFrom(1, 26));
    });

    it("keeps a record as it was when it was appended", async () => {
      const record = recordAt(1);
      await journal.append([record]);
      (record.fact as { atMs: number }).atMs = 0;
      expect([...journal.read()]).toEqual([recordAt(1)]);
    });

    it.each([
      [{ fromSeq: 1 }, 1, 10],
      [{ fromSeq: 4 }, 4, 10],
      [{ fromSeq: 5, toSeq: 8 }, 5, 8],
      [{ toSeq: 3 }, 1, 3],
      [{ fromSeq: 10, toSeq: 10 }, 10, 10],
      [{ fromSeq: 0, toSeq: 99 }, 1, 10],
    ])("reads %j as the records %i to %i", async (range, from, to) => {
      await append(4, 1, 5);
      expect(seqs(range)).toEqual(Array.from({ length: to - from + 1 }, (_, at) => from + at));
    });

    it.each([{ fromSeq: 11 }, { fromSeq: 50, toSeq: 60 }, { fromSeq: 7, toSeq: 6 }, { toSeq: 0 }])(
      "reads %j as nothing",
      async (range) => {
        await append(4, 6);
        expect(seqs(range)).toEqual([]);
      },
    );

    it("reads up to what was last when the reading began", async () => {
      await append(3);
      const seen: number[] = [];
      for (const record of journal.read()) {
        seen.push(record.seq);
        if (record.seq === 1) await append(2);
      }
      expect(seen).toEqual([1, 2, 3]);
    });

    it("keeps nothing of a batch whose seqs do not follow, and goes on", async () => {
      await append(2);
      await refuses("gap", journal.append(recordsFrom(4, 2)));
      await refuses("gap", journal.append(recordsFrom(2, 2)));
      await refuses("gap", journal.append([recordAt(3), recordAt(5)]));
      expect(journal.lastSeq).toBe(2);
      await append(1);
      expect(seqs()).toEqual([1, 2, 3]);
    });

    it("keeps nothing of a batch whose time is no number", async () => {
      const timeless = recordAt(1);
      const record = { ...timeless, fact: { ...timeless.fact, atMs: Number.NaN } };
      await refuses("badRecord", journal.append([record]));
      expect(journal.lastSeq).toBe(0);
    });

    it("takes an empty batch for nothing", async () => {
      await journal.append([]);
      expect(journal.stats()).toMatchObject({ lastSeq: 0, batches: 0 });
    });

    it("lets nobody else write until it is closed", async () => {
      expect(() => place.open()).toThrow(expect.objectContaining({ code: "locked" }));
      await append(1);
      await reopen();
      expect(seqs()).toEqual([1]);
    });

    it("counts what it holds", async () => {
      await append(2, 3);
      expect(journal.stats()).toMatchObject({
        id: journal.id,
        formatVersion: 1,
        records: 5,
        batches: 2,
        firstSeq: 1,
        lastSeq: 5,
        firstAtMs: START_MS + 1_000,
        lastAtMs: START_MS + 5_000,
        checkpoints: 0,
      });
      const before = journal.stats().bytes;
      await append(2_000);
      expect(journal.stats().bytes).toBeGreaterThan(before + 100_000);
    });

    describe("checkpoints", () => {
      const state = (seq: number) => JSON.stringify({ seq, name: "größer – 🚚" });
      const save = (seq: number, code = "v1") =>
        journal.saveCheckpoint({ seq, code, state: state(seq) });

      it("are found by seq and by the version of the deciding code", async () => {
        await append(30);
        await save(10);
        await save(20, "v2");
        await save(30);
        await reopen();
        expect(journal.checkpointSeqs()).toEqual([10, 20, 30]);
        expect(journal.checkpoint()).toEqual({ seq: 30, code: "v1", state: state(30) });
        expect(journal.checkpoint({ atOrBeforeSeq: 29 })?.seq).toBe(20);
        expect(journal.checkpoint({ atOrBeforeSeq: 20, code: "v1" })?.seq).toBe(10);
        expect(journal.checkpoint({ code: "v2" })?.seq).toBe(20);
        expect(journal.checkpoint({ atOrBeforeSeq: 9 })).toBeUndefined();
        expect(journal.checkpoint({ code: "v3" })).toBeUndefined();
      });

      it("are kept to the newest five", async () => {
        await append(8);
        for (let seq = 1; seq <= 8; seq++) await save(seq);
        expect(journal.checkpointSeqs()).toEqual([4, 5, 6, 7, 8]);
        expect(journal.stats().checkpoints).toBe(5);
      });

      it("take the place of an older one at the same seq", async () => {
        await append(3);
        await save(3, "v1");
        await save(3, "v2");
        expect(journal.checkpointSeqs()).toEqual([3]);
        expect(journal.checkpoint()?.code).toBe("v2");
      });

      it("are refused beyond the last record", async () => {
        await append(3);
        await refuses("badRecord", save(4));
        expect(journal.checkpointSeqs()).toEqual([]);
      });
    });

    describe("the actor index", () => {
      const expected = (key: string, last: number) =>
        recordsFrom(1, last)
          .filter((record) => actorsOf(record).some((actor) => actor === key))
          .map(({ seq }) => seq);
      const keys = [`worker/${workerOf(1)}`, `container/${containerOf(2)}`, "worker/none"];

      it("names the records that concern an actor, at once and after a start", async () => {
        await append(40, 1, 60);
        for (const key of keys) expect(journal.seqsOf(key)).toEqual(expected(key, 101));
        await reopen();
        for (const key of keys) expect(journal.seqsOf(key)).toEqual(expected(key, 101));
        await append(30);
        for (const key of keys) expect(journal.seqsOf(key)).toEqual(expected(key, 131));
      });

      it("pages backwards from the newest", async () => {
        await append(100);
        const [key = ""] = keys;
        const all = expected(key, 100);
        expect(all.length).toBeGreaterThan(6);
        const newest = journal.seqsOf(key, { limit: 3 });
        expect(newest).toEqual(all.slice(-3));
        expect(journal.seqsOf(key, { limit: 3, beforeSeq: newest[0] ?? 0 })).toEqual(
          all.slice(-6, -3),
        );
        expect(journal.seqsOf(key, { limit: 0 })).toEqual([]);
        expect(journal.seqsOf(key, { beforeSeq: all[0] ?? 0 })).toEqual([]);
      });

      it("is the same when it is made anew", async () => {
        await append(700, 600);
        await journal.rebuildIndex();
        expect(journal.stats().indexedSeq).toBe(1_300);
        for (const key of keys) expect(journal.seqsOf(key)).toEqual(expected(key, 1_300));
      });
    });

    describe("pruning", () => {
      const checkpoint = (seq: number) => journal.saveCheckpoint({ seq, code: "v1", state: "{}" });
      const nowMs = START_MS + 40_000;

      it("removes nothing without a checkpoint", async () => {
        await append(10, 10);
        expect(await journal.prune({ maxAgeMs: 0, nowMs })).toBe(0);
        expect(seqs()).toHaveLength(20);
      });

      it("removes whole batches that are too old", async () => {
        await append(10, 10, 10, 10);
        await checkpoint(40);
        // Older than 25 s before second 40: those that end before second 15.
        expect(await journal.prune({ maxAgeMs: 25_000, nowMs })).toBe(10);
        expect([...journal.read()]).toEqual(recordsFrom(11, 30));
        expect(journal.stats()).toMatchObject({ records: 30, batches: 3, firstSeq: 11 });
      });

      it("never goes beyond the newest checkpoint", async () => {
        await append(10, 10, 10, 10);
        await checkpoint(25);
        expect(await journal.prune({ maxAgeMs: 0, nowMs: nowMs + 1_000_000 })).toBe(20);
        expect(seqs()[0]).toBe(21);
        expect(journal.checkpoint()?.seq).toBe(25);
      });

      it("removes what is too much, the oldest first", async () => {
        for (let batch = 0; batch < 40; batch++) await append(100);
        await checkpoint(4_000);
        await journal.rebuildIndex();
        const removed = await journal.prune({ maxBytes: 500_000, nowMs });
        expect(removed).toBeGreaterThan(500);
        expect(removed).toBeLessThan(4_000);
        expect(removed % 100).toBe(0);
        expect(seqs()[0]).toBe(removed + 1);
      });

      it("removes checkpoints that no record follows any more", async () => {
        await append(10, 10, 10);
        for (const seq of [5, 10, 20, 30]) await checkpoint(seq);
        await journal.prune({ maxAgeMs: 15_000, nowMs: START_MS + 36_000 });
        expect(seqs()[0]).toBe(21);
        expect(journal.checkpointSeqs()).toEqual([20, 30]);
      });

      it("goes on where it was, even if no record is left", async () => {
        await append(10, 10);
        await checkpoint(20);
        expect(await journal.prune({ maxAgeMs: 0, nowMs: nowMs + 1_000_000 })).toBe(20);
        await reopen();
        expect(journal.lastSeq).toBe(20);
        expect(journal.stats()).toMatchObject({ records: 0, firstSeq: 0, lastSeq: 20 });
        await append(3);
        expect([...journal.read()]).toEqual(recordsFrom(21, 3));
        expect([...journal.read({ fromSeq: 22 })]).toEqual(recordsFrom(22, 2));
      });

      it("says so when pruned records are asked for", async () => {
        await append(10, 10);
        await checkpoint(20);
        await journal.prune({ maxAgeMs: 0, nowMs: START_MS + 15_000 });
        expect(() => seqs({ fromSeq: 10 })).toThrow(
          expect.objectContaining({ code: "gap", message: expect.stringContaining("11") }),
        );
      });

      it("leaves the actors of pruned records out", async () => {
        await append(20, 20);
        await checkpoint(40);
        const key = `worker/${workerOf(1)}`;
        const before = journal.seqsOf(key);
        await journal.prune({ maxAgeMs: 0, nowMs: START_MS + 30_000 });
        expect(before[0]).toBeLessThan(20);
        expect(journal.seqsOf(key)).toEqual(before.filter((seq) => seq > 20));
      });
    });

    it("gives its ballast up once, and takes it again", () => {
      expect(journal.releaseBallast()).toBe(true);
      expect(journal.releaseBallast()).toBe(false);
      expect(journal.restoreBallast()).toBe(true);
      expect(journal.releaseBallast()).toBe(true);
    });
  });
}

async function refuses(code: JournalErrorCode, attempt: Promise<unknown>): Promise<void> {
  await expect(attempt).rejects.toMatchObject({ name: "JournalError", code });
}
