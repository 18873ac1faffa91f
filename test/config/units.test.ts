import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseByteSize } from "../../src/config/byte-size.ts";
import { formatDuration, parseDuration } from "../../src/config/duration.ts";

describe("a duration", () => {
  it.each([
    ["1.5s", 1500],
    ["2h45m", 9_900_000],
    ["-1m", -60_000],
    ["+1m", 60_000],
    ["100us", 0.1],
    ["1h0.5s", 3_600_500],
    [".5s", 500],
    ["1.s", 1000],
    ["1ns", 1e-6],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "-", "s", ".s", "1", "1.5", "1s2", "1d", "1 s", " 1s", "1S", "--1s", "9999999h"])(
    "%j is refused",
    (text) => {
      expect(() => parseDuration(text)).toThrow(RangeError);
    },
  );

  it.each([
    [0, "0s"],
    [1500, "1.5s"],
    [20, "20ms"],
    [3_600_000, "1h"],
    [360_610_000, "100h10m10s"],
    [-90_000, "-1m30s"],
    [0.1, "100µs"],
  ])("of %d ms is printed as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("printed and read again is the same", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe("a size", () => {
  it.each([
    ["1234", 1234],
    ["-1K", -1000],
    [" 4  KiB ", 4096],
    ["0.1KiB", 102],
    ["1e-500", 0],
    ["7EiB", 7 * 2 ** 60],
    [7, 7],
  ])("%j is %d bytes", (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each([
    "",
    "B",
    "4 K iB",
    "4kB",
    "1,5GB",
    "0x10",
    "8EiB",
    "1e999999999",
    "01",
    "4KK",
    1.5,
    1e30,
  ])("%j is refused", (text) => {
    expect(() => parseByteSize(text)).toThrow(RangeError);
  });
});
