import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { densityOf } from "../../../src/http/visualizer/time/density.ts";
import { readMoment } from "../../../src/http/visualizer/time/moment.ts";
import { Playhead } from "../../../src/http/visualizer/time/playhead.ts";
import { ticksOf } from "../../../src/http/visualizer/time/ticks.ts";
import {
  fromPx,
  panned,
  showing,
  toPx,
  zoomed,
} from "../../../src/http/visualizer/time/viewport.ts";
import { idleStretches, makeWarp, NO_WARP } from "../../../src/http/visualizer/time/warp.ts";

const HOUR_MS = 3_600_000;
const NEW_YEAR_MS = Date.parse("2026-01-01T00:00:00Z");

describe("time with its idle stretches cut", () => {
  const warp = makeWarp(
    [
      { fromMs: 100, toMs: 1_100 },
      { fromMs: 2_000, toMs: 12_000 },
    ],
    50,
  );

  it("runs as it did outside the cuts and takes the short time within", () => {
    expect([0, 100, 600, 1_100, 1_200, 2_000, 12_000, 12_300].map(warp.toWarped)).toEqual([
      0, 100, 125, 150, 250, 1_050, 1_100, 1_400,
    ]);
  });

  it("keeps the order of instants, and finds each again", () => {
    fc.assert(
      fc.property(fc.double({ min: -100, max: 20_000, noNaN: true }), (ms) => {
        expect(warp.toReal(warp.toWarped(ms))).toBeCloseTo(ms, 6);
        expect(warp.toWarped(ms + 1)).toBeGreaterThan(warp.toWarped(ms));
      }),
    );
  });

  it("leaves alone what is shorter than a cut would be", () => {
    expect(makeWarp([{ fromMs: 0, toMs: 40 }], 50)).toBe(NO_WARP);
  });

  it("finds where nothing happens, and leaves some of it on either side", () => {
    const whole = { fromMs: 0, toMs: 1_000 };
    expect(idleStretches([100, 150, 950, 200], whole, 0.3)).toEqual([{ fromMs: 275, toMs: 875 }]);
  });

  it("takes the whole for idle where nothing happened at all", () => {
    expect(idleStretches([], { fromMs: 0, toMs: 100 }, 0.3)).toEqual([{ fromMs: 10, toMs: 90 }]);
  });
});

describe("a viewport", () => {
  const bounds = { from: 0, to: 1_000 };
  const view = { from: 0, to: 1_000, widthPx: 500 };

  it("keeps what is under the pointer where it is", () => {
    const closer = zoomed(view, 400, 0.5, bounds);
    expect(toPx(closer, 400)).toBe(toPx(view, 400));
    expect(fromPx(closer, 200)).toBe(400);
    expect(closer.to - closer.from).toBe(500);
  });

  it("never leaves the bounds, however it is moved", () => {
    expect(zoomed(view, 400, 3, bounds)).toEqual(view);
    expect(panned({ ...view, to: 500 }, 2_000, bounds)).toEqual({ ...view, from: 500 });
    expect(panned({ ...view, from: 500 }, -2_000, bounds)).toEqual({ ...view, to: 500 });
  });

  it("moves no further than it takes to show an instant", () => {
    const part = { ...view, from: 200, to: 400 };
    expect(showing(part, 300, bounds)).toBe(part);
    expect(showing(part, 700, bounds)).toMatchObject({ from: 520, to: 720 });
  });
});

describe("ticks", () => {
  it("stand at whole steps, with a date at midnight", () => {
    const view = { from: NEW_YEAR_MS - HOUR_MS, to: NEW_YEAR_MS + HOUR_MS, widthPx: 400 };
    const labels = ticksOf(view, NO_WARP, 90).map(({ label }) => label);
    expect(labels).toEqual(["23:00", "23:30", "2026-01-01", "00:30", "01:00"]);
  });

  it("show seconds and milliseconds once one is close enough", () => {
    const labels = (spanMs: number) =>
      ticksOf({ from: 1_000, to: 1_000 + spanMs, widthPx: 300 }, NO_WARP, 90).map((t) => t.label);
    expect(labels(30_000)).toEqual(["00:00:10", "00:00:20", "00:00:30"]);
    expect(labels(60)).toContain("00:00:01.020");
  });

  it("keep apart, and none stands within a cut of years", () => {
    const warp = makeWarp([{ fromMs: HOUR_MS, toMs: 10_000_000 * HOUR_MS }], HOUR_MS);
    const view = { from: 0, to: 4 * HOUR_MS, widthPx: 1_000 };
    const ticks = ticksOf(view, warp, 80);
    expect(ticks.length).toBeGreaterThan(5);
    for (const [n, tick] of ticks.entries()) {
      expect(warp.cuts.some(({ fromMs, toMs }) => tick.atMs > fromMs && tick.atMs < toMs)).toBe(
        false,
      );
      expect(tick.px - (ticks[n - 1]?.px ?? -Infinity)).toBeGreaterThan(70);
    }
  });
});

describe("the time box", () => {
  const frame = {
    atMs: NEW_YEAR_MS + HOUR_MS,
    firstMs: NEW_YEAR_MS - 2 * HOUR_MS,
    lastMs: NEW_YEAR_MS + 4 * HOUR_MS,
  };
  const read = (text: string) => readMoment(text, frame);
  const time = (text: string) => ({ kind: "time", atMs: Date.parse(text) });

  it.each([
    ["2026-01-01T00:10:00Z", "2026-01-01T00:10:00Z"],
    ["2026-01-01T02:10:00.250+02:00", "2026-01-01T00:10:00.250Z"],
    ["2026-01-01 00:10", "2026-01-01T00:10:00Z"],
    ["2026-01-01", "2026-01-01T00:00:00Z"],
    ["03:32", "2026-01-01T03:32:00Z"],
    ["0:15:30", "2026-01-01T00:15:30Z"],
    // Of the day before, since the journal ends before it comes again.
    ["23:30", "2025-12-31T23:30:00Z"],
    ["-15m", "2026-01-01T00:45:00Z"],
    ["+1.5h", "2026-01-01T02:30:00Z"],
    ["-250 ms", "2026-01-01T00:59:59.750Z"],
  ])("takes %s", (text, instant) => {
    expect(read(text)).toEqual(time(instant));
  });

  it("takes a record's number, and live", () => {
    expect(read("#1234")).toEqual({ kind: "seq", seq: 1234 });
    expect(read("seq 12")).toEqual({ kind: "seq", seq: 12 });
    expect(read(" Live ")).toEqual({ kind: "live" });
  });

  it.each(["", "yesterday", "25:00", "12:61", "2026-13-40", "-15", "15m", "#-3"])(
    "says of %j what would do",
    (text) => {
      expect(read(text)).toMatchObject({
        kind: "wrong",
        message: expect.stringContaining("10:32"),
      });
    },
  );
});

describe("the playhead", () => {
  it("runs as many times as fast as it is told to, and changes without a jump", () => {
    const head = new Playhead(0, 10_000, { speed: 10, skipIdle: false });
    expect(head.advance(500, Infinity)).toBe(15_000);
    head.change(500, { speed: 100, skipIdle: false });
    expect(head.advance(600, Infinity)).toBe(25_000);
  });

  it("skips what would take long to watch, when that is wanted", () => {
    const skipping = new Playhead(0, 0, { speed: 10, skipIdle: true });
    expect(skipping.advance(100, 5_000)).toBe(1_000);
    expect(skipping.advance(100, 500_000)).toBe(498_000);
    expect(skipping.advance(300, 500_000)).toBe(500_000);
    const waiting = new Playhead(0, 0, { speed: 10, skipIdle: false });
    expect(waiting.advance(100, 500_000)).toBe(1_000);
  });

  it("goes on from where it was after the page was hidden for a while", () => {
    const head = new Playhead(0, 0, { speed: 1, skipIdle: false });
    head.advance(900, Infinity);
    expect(head.advance(3_600_000, Infinity)).toBe(900);
    expect(head.advance(3_600_100, Infinity)).toBe(1_000);
  });
});

describe("the strip behind the slider", () => {
  it("has a column a bin, by the root of what went on, and a line of what ran", () => {
    const bin = (fromMs: number, records: number, running: number) => ({
      from: new Date(fromMs).toISOString(),
      records,
      creates: 0,
      workers: 0,
      running,
      waiting: 0,
    });
    const { columns, running } = densityOf([bin(0, 100, 4), bin(500, 25, 1)], 0, 1_000);
    expect(columns).toEqual([
      { x: 0, width: 0.5, height: 1 },
      { x: 0.5, width: 0.5, height: 0.5 },
    ]);
    expect(running).toEqual([
      [0.5, 1],
      [1, 0.25],
    ]);
    expect(densityOf([], 0, 0).columns).toEqual([]);
  });
});
