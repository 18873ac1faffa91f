import { describe, expect, it } from "vitest";
import { arrowPath } from "../../src/http/export/arrow-path.ts";
import { historyMermaid } from "../../src/http/export/history-mermaid.ts";
import { historySvg } from "../../src/http/export/history-svg.ts";
import type { HistoryAnswer } from "../../src/http/wire/actor.ts";

const at = (s: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();
const HOSTILE = `"><script>alert(1)</script>`;

const history: HistoryAnswer = {
  actor: { kind: "container", id: HOSTILE },
  bounds: { first_seq: 1, last_seq: 9, first_at: at(0), last_at: at(60) },
  to_seq: 9,
  as_of: at(60),
  spans: [
    { region: "record", state: "Queued", from_seq: 1, from: at(0), to_seq: 5, to: at(20) },
    { region: "process", state: "absent", from_seq: 1, from: at(0), to_seq: null, to: null },
    { region: "record", state: "Locked", from_seq: 5, from: at(20), to_seq: null, to: null },
  ],
  marks: [
    {
      seq: 5,
      at: at(20),
      kind: "fact",
      type: "container.changed",
      text: HOSTILE,
      noise: false,
      failed: false,
      transitions: [],
      cause_seq: null,
    },
  ],
  noise_omitted: 0,
  end: null,
  cost: null,
  missing: "",
};

describe("a history as a file", () => {
  it("has a section a region and a bar a state, the last one open", () => {
    const ms = (s: number): number => Date.parse(at(s));
    expect(historyMermaid(history).split("\n").slice(4)).toEqual([
      "  section record",
      `  Queued :${ms(0)}, ${ms(20)}`,
      `  Locked :active, ${ms(20)}, ${ms(60)}`,
      "  section process",
      `  absent :active, ${ms(0)}, ${ms(60)}`,
      "",
    ]);
  });

  it("shows what comes from outside as text only", () => {
    expect(historyMermaid(history)).not.toContain("<script");
    expect(historySvg(history)).not.toContain("<script");
    expect(historySvg(history)).toContain("&lt;script&gt;");
  });

  it("draws bars in proportion to their time", () => {
    const widths = [...historySvg(history).matchAll(/width="([\d.]+)" height="22"/g)].map(
      ([, width]) => Number(width),
    );
    expect((widths[1] ?? 0) / (widths[0] ?? 1)).toBeCloseTo(2, 1);
  });

  it("is drawn also of a single moment", () => {
    const [first] = history.spans;
    const moment = {
      ...history,
      as_of: at(0),
      spans: first ? [{ ...first, to: null }] : [],
      marks: [],
    };
    expect(historySvg(moment)).not.toMatch(/NaN|Infinity/);
  });
});

describe("arrowPath", () => {
  it("rounds corners, and keeps the ends where they are", () => {
    expect(
      arrowPath([
        [0, 0],
        [0, 50],
        [100, 50],
      ]),
    ).toBe("M0 0L0 42Q0 50 8 50L100 50");
    expect(
      arrowPath([
        [0, 0],
        [0, 4],
        [100, 4],
      ]),
    ).toBe("M0 0L0 2Q0 4 2 4L100 4");
    expect(arrowPath([])).toBe("");
  });
});
