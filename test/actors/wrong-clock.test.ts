import { describe, expect, it } from "vitest";
import { Timeline } from "../../src/actors/timeline/timeline.ts";
import type { Journal } from "../../src/drivers/journal/port.ts";
import { journalOfBuilder, tell } from "../support/told-journal.ts";
import { EARLY, LATE, WrongClock, YEAR_MS } from "../support/wrong-clock.ts";

const MINUTE_MS = 60_000;

async function told() {
  const clock = new WrongClock().setRight();
  clock.pass(1);
  clock.builder.plan();
  const journal: Journal = await journalOfBuilder(clock.builder);
  const timeline = new Timeline({ journal, recordsMax: 10_000, pause: async () => {} });
  const [, aheadMs = 0, againMs = 0] = clock.startsMs;
  const beginMs = journal.stats().firstAtMs ?? 0;
  return { ...clock, journal, timeline, beginMs, aheadMs, againMs, nowMs: clock.builder.nowMs };
}

describe("a journal with a run whose clock was a year ahead", () => {
  it("begins before it ends", async () => {
    const { timeline, beginMs, journal } = await told();
    const { firstAtMs, lastAtMs } = timeline.bounds();
    expect(firstAtMs).toBe(beginMs);
    expect(lastAtMs).toBe(journal.stats().lastAtMs);
    expect(lastAtMs).toBeGreaterThan(beginMs);
  });

  it("tells times that never decrease", async () => {
    const { timeline, journal } = await told();
    let last = -Infinity;
    for (let seq = 1; seq <= journal.lastSeq; seq++) {
      const atMs = timeline.timeOf(seq);
      expect(atMs).toBeGreaterThanOrEqual(last);
      last = atMs;
    }
    const seen = await timeline.records(1, 500);
    expect(seen.map(({ record }) => record.fact.atMs)).toEqual(
      seen.map(({ record }) => timeline.timeOf(record.seq)),
    );
  });

  it("finds a moment in each of its runs", async () => {
    const { timeline, beginMs, againMs, aheadSeq, againSeq, journal } = await told();
    const seqAt = (atMs: number) => timeline.seqAt(atMs);
    expect(seqAt(beginMs - 1)).toBe(0);
    expect(seqAt(beginMs + MINUTE_MS)).toBeLessThan(aheadSeq);
    // The run that was ahead has recorded five minutes.
    expect(seqAt(againMs - 4 * MINUTE_MS)).toBeGreaterThan(aheadSeq);
    expect(seqAt(againMs - 1)).toBeLessThan(againSeq);
    expect(seqAt(againMs)).toBeGreaterThanOrEqual(againSeq);
    expect(seqAt(againMs + YEAR_MS)).toBe(journal.lastSeq);
  });

  it("takes a time that is still to come for one that the run that was ahead has recorded", async () => {
    const { timeline, aheadMs, againMs, aheadSeq, nowMs } = await told();
    const named = timeline.toldMoment(aheadMs + MINUTE_MS, nowMs);
    // Its last record came five minutes after its start.
    expect(named).toBe(againMs - 4 * MINUTE_MS);
    const seq = timeline.seqAt(named);
    expect(seq).toBeGreaterThanOrEqual(aheadSeq);
    const { atMs, registry } = await timeline.state(seq);
    expect(atMs).toBeLessThanOrEqual(named);
    expect(registry.get("container", LATE)).toBeUndefined();
    expect(timeline.toldMoment(nowMs - MINUTE_MS, nowMs)).toBe(nowMs - MINUTE_MS);
    // None has recorded anything then: in between, after the end of the run, and long after.
    for (const unknown of [nowMs + YEAR_MS / 2, aheadMs + 15 * MINUTE_MS, aheadMs + YEAR_MS])
      expect(timeline.toldMoment(unknown, nowMs)).toBe(unknown);
  });

  it("tells lives, waits and costs without a negative or a year-long span", async () => {
    const { journal, timeline, nowMs, beginMs } = await told();
    for (const id of [EARLY, LATE, "i-1", "i-2"]) {
      const explanation = await tell(journal, id, { nowMs });
      const history = await timeline.history(id, { keepNoise: true });
      const spans = [...(explanation?.life ?? []), ...(history?.spans ?? [])];
      expect(spans.length).toBeGreaterThan(1);
      for (const { fromAtMs, toAtMs } of spans) {
        expect(fromAtMs).toBeGreaterThanOrEqual(beginMs);
        expect(toAtMs ?? nowMs).toBeGreaterThanOrEqual(fromAtMs);
        expect(toAtMs ?? nowMs).toBeLessThanOrEqual(nowMs);
      }
      for (const mark of history?.marks ?? []) expect(mark.atMs).toBeLessThanOrEqual(nowMs);
      const { cost } = history ?? {};
      if (cost) expect(cost.amount).toBeLessThan(cost.pricePerHour);
      // From the beginning up to the last record, whatever the clock said meanwhile.
      if (id === "i-1") expect(cost?.amount).toBeCloseTo((0.123 * 20) / 60, 6);
    }
  });

  it("shows all workers side by side on one axis", async () => {
    const { timeline, beginMs, nowMs } = await told();
    const range = { fromMs: beginMs, toMs: nowMs, binsCount: 21 };
    const { lanes, bins, truncated } = await timeline.lanes(range);
    expect(truncated).toBe("");
    expect(lanes.map(({ instanceId }) => instanceId)).toContain("i-2");
    for (const { spans, containers } of lanes)
      for (const { fromMs, toMs } of [...spans, ...containers]) {
        expect(fromMs).toBeGreaterThanOrEqual(beginMs);
        expect(toMs ?? nowMs).toBeGreaterThanOrEqual(fromMs);
        expect(toMs ?? nowMs).toBeLessThanOrEqual(nowMs);
      }
    const counted = bins.reduce((sum, { records }) => sum + records, 0);
    expect(counted).toBe(timeline.lastSeq);
    // What the run that was ahead did is in bins of its own, before the start that followed.
    expect(bins[15]?.records).toBeGreaterThan(0);
  });
});
