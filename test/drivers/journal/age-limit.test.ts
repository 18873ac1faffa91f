import { describe, expect, it, onTestFinished } from "vitest";
import { ageCutoffMs } from "../../../src/drivers/journal/age-limit.ts";
import { makeMemoryStore, openMemoryJournal } from "../../../src/drivers/journal/memory.ts";
import type { Journal } from "../../../src/drivers/journal/port.ts";
import type { JournalRecord } from "../../../src/machines/model/record.ts";
import { makeFilePlace } from "./place.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
const START_MS = Date.parse("2026-01-02T03:04:05.678Z");

describe("the age beyond which records go", () => {
  const limit = { nowMs: START_MS, maxAgeMs: 90 * DAY_MS, oldestAtMs: START_MS - 95 * DAY_MS };

  it("is that of the config where the clock is trusted", () => {
    expect(ageCutoffMs({ ...limit, ranForMs: Infinity })).toBe(START_MS - 90 * DAY_MS);
  });

  it("takes a day of the history for an hour of running, and as much of it for less", () => {
    expect(ageCutoffMs({ ...limit, ranForMs: HOUR_MS })).toBe(START_MS - 94 * DAY_MS);
    expect(ageCutoffMs({ ...limit, ranForMs: HOUR_MS / 2 })).toBe(START_MS - 94.5 * DAY_MS);
  });

  it("takes nothing at a start, whatever the clock says", () => {
    const { oldestAtMs } = limit;
    expect(ageCutoffMs({ ...limit, ranForMs: 0 })).toBe(oldestAtMs);
    expect(ageCutoffMs({ ...limit, nowMs: START_MS + YEAR_MS, ranForMs: 0 })).toBe(oldestAtMs);
    expect(ageCutoffMs({ ...limit, ranForMs: -1 })).toBe(oldestAtMs);
  });

  it("is never beyond that of the config", () => {
    expect(ageCutoffMs({ ...limit, ranForMs: 10 * HOUR_MS })).toBe(START_MS - 90 * DAY_MS);
    expect(ageCutoffMs({ ...limit, maxAgeMs: Infinity, ranForMs: HOUR_MS })).toBe(-Infinity);
  });
});

/** One a batch, at these days after the start. */
async function fill(journal: Journal, days: readonly (number | JournalRecord["fact"])[]) {
  for (const [at, day] of days.entries()) {
    const atMs = typeof day === "number" ? START_MS + day * DAY_MS : 0;
    const fact = typeof day === "number" ? { type: "lease.acquired" as const, atMs } : day;
    await journal.append([{ seq: at + 1, fact, commands: [], decisions: [] }]);
  }
  await journal.saveCheckpoint({ seq: journal.lastSeq, code: "test", state: "{}" });
}

async function openOf(kind: "memory" | "file"): Promise<Journal> {
  if (kind === "memory") return openMemoryJournal(makeMemoryStore("j1"));
  const place = await makeFilePlace();
  onTestFinished(() => place.remove());
  return place.open();
}

describe.each(["memory", "file"] as const)("pruning a journal (%s)", (kind) => {
  const maxAgeMs = 90 * DAY_MS;

  it("with a clock a year ahead goes on by a day for each hour, and by size at once", async () => {
    const journal = await openOf(kind);
    await fill(journal, [0, 0.5, 1.5, 2.5, 3.5]);
    const nowMs = START_MS + YEAR_MS;
    expect(await journal.prune({ maxAgeMs, nowMs, ranForMs: 0 })).toBe(0);
    expect(await journal.prune({ maxAgeMs, nowMs, ranForMs: HOUR_MS })).toBe(2);
    expect(await journal.prune({ maxAgeMs, nowMs, ranForMs: HOUR_MS })).toBe(1);
    expect(await journal.prune({ maxBytes: 0, nowMs, ranForMs: 0 })).toBe(2);
    await journal.close();
  });

  it("is not held up by a run that was a year ahead", async () => {
    const journal = await openOf(kind);
    const ahead = START_MS + YEAR_MS;
    const setBack = { fromMs: ahead + DAY_MS, sinceMs: ahead };
    const started = { type: "daemon.started" as const, version: "test", journalId: "j1" };
    const again = { ...started, atMs: START_MS + 2 * DAY_MS, setBack };
    await fill(journal, [0, 365, 366, again, 100]);
    const nowMs = START_MS + 100 * DAY_MS;
    expect(await journal.prune({ maxAgeMs, nowMs })).toBe(4);
    expect(journal.stats()).toMatchObject({ firstSeq: 5, lastSeq: 5 });
    await journal.close();
  });
});
