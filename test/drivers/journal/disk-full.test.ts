import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkJournal } from "../../../src/drivers/journal/check.ts";
import type { Journal } from "../../../src/drivers/journal/port.ts";
import { appendBatches, makeFilePlace, type FilePlace } from "./place.ts";
import { recordsFrom, START_MS } from "./records.ts";

let place: FilePlace;
beforeEach(async () => {
  place = await makeFilePlace();
});
afterEach(() => place.remove());

/** Appends until the journal refuses; tells what the last seq was then. */
async function fill(journal: Journal): Promise<{ lastSeq: number; error: unknown }> {
  for (;;) {
    const { lastSeq } = journal;
    try {
      await appendBatches(journal, 100);
    } catch (error) {
      expect(journal.lastSeq).toBe(lastSeq);
      return { lastSeq, error };
    }
  }
}

const full = {
  name: "JournalError",
  code: "diskFull",
  message: expect.stringMatching(/space|prune/),
};

describe("a journal at its own limit", () => {
  it("keeps nothing of the batch, and the same batch once there is room", async () => {
    const errors: Error[] = [];
    const journal = place.open({
      maxFileBytes: 400_000,
      onIndexError: (error) => errors.push(error),
    });
    const { lastSeq, error } = await fill(journal);
    expect(error).toMatchObject(full);
    expect(statSync(place.path).size).toBeLessThanOrEqual(400_000);
    const batch = recordsFrom(lastSeq + 1, 100);
    await expect(journal.append(batch)).rejects.toMatchObject(full);
    await new Promise(setImmediate);
    for (const indexError of errors) expect(indexError).toMatchObject({ code: "diskFull" });
    expect([...journal.read()]).toEqual(recordsFrom(1, lastSeq));

    await journal.close();
    const roomy = place.open();
    await roomy.append(batch);
    expect([...roomy.read()]).toEqual(recordsFrom(1, lastSeq + 100));
    await roomy.close();
    expect(checkJournal(place.path).problems).toEqual([]);
  });
});

describe("a disk that is full", () => {
  let disk: string | undefined;

  beforeEach(() => {
    const folder = join(place.folder, "disk");
    execFileSync("mkdir", [folder]);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], { stdio: "ignore" });
      disk = folder;
    } catch {
      disk = undefined;
    }
  });
  afterEach(() => {
    if (disk) execFileSync("umount", ["--lazy", disk]);
  });

  const free = (folder: string) => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };
  /** Leaves about that many bytes free. */
  function crowd(folder: string, leaveBytes: number): void {
    writeFileSync(join(folder, "other"), Buffer.alloc(Math.max(0, free(folder) - leaveBytes)));
  }

  it("loses nothing; giving the ballast up makes room at once", async (ctx) => {
    if (!disk) return ctx.skip("mounting a small tmpfs takes root");
    const path = join(disk, "journal.db");
    const journal = place.open({ path, ballastBytes: 1_000_000 });
    await appendBatches(journal, 50);
    crowd(disk, 300_000);
    const { lastSeq, error } = await fill(journal);
    expect(error).toMatchObject(full);
    const batch = recordsFrom(lastSeq + 1, 100);
    await expect(journal.append(batch)).rejects.toMatchObject(full);
    expect([...journal.read()]).toEqual(recordsFrom(1, lastSeq));
    expect(checkJournal(path)).toMatchObject({ problems: [], records: lastSeq });

    expect(journal.releaseBallast()).toBe(true);
    await journal.append(batch);
    expect([...journal.read({ fromSeq: lastSeq })]).toHaveLength(101);
    expect(journal.restoreBallast()).toBe(false);
    expect(existsSync(`${path}.ballast`)).toBe(false);

    rmSync(join(disk, "other"));
    expect(journal.restoreBallast()).toBe(true);
    expect(statSync(`${path}.ballast`).size).toBe(1_000_000);
    await journal.close();
    expect(checkJournal(path)).toMatchObject({ problems: [], records: lastSeq + 100 });
  });

  it("does not stop a start: the journal gives its own ballast up", async (ctx) => {
    if (!disk) return ctx.skip("mounting a small tmpfs takes root");
    const path = join(disk, "journal.db");
    const journal = place.open({ path, ballastBytes: 500_000 });
    await appendBatches(journal, 100);
    await journal.close();
    crowd(disk, 0);
    const again = place.open({ path, ballastBytes: 500_000 });
    expect(existsSync(`${path}.ballast`)).toBe(false);
    await appendBatches(again, 10);
    await again.close();
    expect(checkJournal(path)).toMatchObject({ problems: [], records: 110 });
  });

  it("shows as such at the first start too, and leaves nothing that stops the next", async (ctx) => {
    if (!disk) return ctx.skip("mounting a small tmpfs takes root");
    const path = join(disk, "journal.db");
    crowd(disk, 0);
    expect(() => place.open({ path })).toThrow(expect.objectContaining({ code: "diskFull" }));
    rmSync(join(disk, "other"));
    const journal = place.open({ path });
    await appendBatches(journal, 10);
    await journal.close();
    expect(readdirSync(disk).toSorted()).toEqual([
      "journal.db",
      "journal.db.ballast",
      "journal.db.lock",
      "journal.witness.json",
    ]);
    expect(checkJournal(path)).toMatchObject({ problems: [], records: 10 });
  });

  it("is retried without loss at every amount of room", async (ctx) => {
    if (!disk) return ctx.skip("mounting a small tmpfs takes root");
    const path = join(disk, "journal.db");
    const journal = place.open({ path, ballastBytes: 0, nowMs: () => START_MS });
    await appendBatches(journal, 10);
    crowd(disk, 0);
    let refused = 0;
    // Room comes back 4 KiB at a time; each batch is tried until it fits.
    for (let leave = 0; leave < 400_000; leave += 4_096) {
      rmSync(join(disk, "other"), { force: true });
      crowd(disk, leave);
      const { error } = await fill(journal);
      expect(error).toMatchObject(full);
      refused += 1;
    }
    expect(refused).toBeGreaterThan(90);
    const { lastSeq } = journal;
    expect(lastSeq).toBeGreaterThan(500);
    rmSync(join(disk, "other"));
    await journal.close();
    expect(checkJournal(path)).toMatchObject({ problems: [], records: lastSeq });
  });
});
