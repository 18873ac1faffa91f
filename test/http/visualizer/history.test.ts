import { describe, expect, it } from "vitest";
import {
  barRows,
  extentOf,
  placeBars,
  timeInStates,
} from "../../../src/http/visualizer/history/bars.ts";
import {
  filterMarks,
  groupAt,
  groupMarks,
  MARK_KINDS,
  neighbour,
  readMarks,
} from "../../../src/http/visualizer/history/marks.ts";
import { NO_WARP } from "../../../src/http/visualizer/time/warp.ts";
import type { HistoryMark, HistorySpan } from "../../../src/http/wire/actor.ts";

const at = (ms: number): string => new Date(ms).toISOString();

function span(region: string, state: string, fromMs: number, toMs: number | null): HistorySpan {
  const to = toMs === null ? null : at(toMs);
  return { region, state, from_seq: fromMs, from: at(fromMs), to_seq: toMs, to };
}

function mark(atMs: number, changes: Partial<HistoryMark> = {}): HistoryMark {
  return {
    seq: atMs,
    at: at(atMs),
    kind: "fact",
    type: "probe.succeeded",
    text: "",
    noise: false,
    failed: false,
    transitions: [],
    cause_seq: null,
    ...changes,
  };
}

describe("bars of a history", () => {
  const rows = barRows(
    [
      span("idleBehavior", "run", 0, null),
      span("lifecycle", "booting", 0, 1_000),
      span("lifecycle", "idle", 1_000, 1_000),
      span("lifecycle", "running", 1_000, 4_000),
      span("lifecycle", "idle", 4_000, null),
    ],
    5_000,
  );

  it("stand in a row a region, and what lasts still reaches to the last moment", () => {
    expect(rows.map(({ region, bars }) => [region, bars.map(({ state }) => state)])).toEqual([
      ["lifecycle", ["booting", "idle", "running", "idle"]],
      ["idleBehavior", ["run"]],
    ]);
    expect(rows[0]?.bars.at(-1)).toMatchObject({ fromMs: 4_000, toMs: 5_000, isOpen: true });
    expect(extentOf(rows)).toEqual({ fromMs: 0, toMs: 5_000 });
  });

  it("are cut at the screen's edges; what lies beyond is left out, and what is short can be seen", () => {
    const view = { from: 900, to: 3_900, widthPx: 300 };
    const placed = placeBars(rows[0]?.bars ?? [], view, NO_WARP);
    expect(placed.map(({ state, px, widthPx }) => [state, px, widthPx])).toEqual([
      ["booting", -2, 12],
      ["idle", 10, 2],
      ["running", 10, 292],
    ]);
  });

  it("add up by state", () => {
    expect(rows[0] && timeInStates(rows[0])).toEqual([
      { state: "running", ms: 3_000 },
      { state: "booting", ms: 1_000 },
      { state: "idle", ms: 1_000 },
    ]);
  });
});

describe("marks of a history", () => {
  const marks = readMarks([
    mark(0),
    mark(10, { noise: true }),
    mark(10, { kind: "command" }),
    mark(500, { kind: "outcome" }),
    mark(505),
    mark(900),
  ]);
  const all = new Set(MARK_KINDS);

  it("fold noise away until it is wanted, and kinds that are not", () => {
    expect(filterMarks(marks, { kinds: all, noise: false })).toHaveLength(5);
    expect(filterMarks(marks, { kinds: all, noise: true })).toHaveLength(6);
    const commands = filterMarks(marks, { kinds: new Set(["command"]), noise: true });
    expect(commands.map(({ seq }) => seq)).toEqual([10]);
  });

  it("are drawn as one where they would cover each other", () => {
    const place = { view: { from: 0, to: 1_000, widthPx: 1_000 }, warp: NO_WARP };
    const groups = groupMarks(marks, "fact", place, 12);
    expect(groups.map((group) => [group.px, group.marks.length])).toEqual([
      [0, 2],
      [505, 1],
      [900, 1],
    ]);
    const near = { view: { from: 0, to: 100, widthPx: 1_000 }, warp: NO_WARP };
    expect(groupMarks(marks, "fact", near, 12).map(({ px }) => px)).toEqual([0, 100]);
  });

  it("are found by a pointer that comes near", () => {
    const place = { view: { from: 0, to: 1_000, widthPx: 1_000 }, warp: NO_WARP };
    const groups = groupMarks(marks, "fact", place, 12);
    expect(groupAt(groups, 500, 8)?.px).toBe(505);
    expect(groupAt(groups, 700, 8)).toBeUndefined();
    expect(groupAt([], 0, 8)).toBeUndefined();
  });

  it("follow one another, those of one record too", () => {
    const facts = filterMarks(marks, { kinds: all, noise: false });
    expect(neighbour(facts, null, 1)?.index).toBe(0);
    expect(neighbour(facts, 0, 1)?.index).toBe(2);
    expect(neighbour(facts, 2, -1)?.index).toBe(0);
    expect(neighbour(facts, 5, 1)).toBeUndefined();
    expect(neighbour(facts, null, -1)?.index).toBe(5);
  });
});
