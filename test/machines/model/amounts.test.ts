import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseByteSize } from "../../../src/config/byte-size.ts";
import { containerPriority } from "../../../src/drivers/queue/embedded/submission.ts";
import {
  formatCount,
  formatMoney,
  formatNumber,
  formatPrice,
  formatPriority,
  formatSeconds,
  formatShare,
  formatSize,
  formatSpan,
  formatTime,
} from "../../../src/machines/model/amounts.ts";

const CREATED_AT_MS = Date.parse("2026-01-02T03:04:05.678Z");

describe("one way to write an amount", () => {
  it.each([
    [0, "0ms"],
    [999, "999ms"],
    [1_000, "1.0s"],
    [9_999, "9.9s"],
    [59_999, "59s"],
    [60_000, "1m"],
    [185_000, "3m5s"],
    [3_599_999, "59m59s"],
    [7_800_000, "2h10m"],
    [172_800_000, "2d"],
    [180_000_000, "2d2h"],
    [-1_500, "-1.5s"],
  ])("%d ms are %s", (ms, text) => expect(formatSpan(ms)).toBe(text));

  it.each([
    [0, "0B"],
    [512, "512B"],
    [1_536, "1.5KiB"],
    [268_435_456, "256MiB"],
    [1_207_959_552, "1152MiB"],
    [4_831_838_208, "4.5GiB"],
    [7.5 * 2 ** 30, "7.5GiB"],
    [2_000_000_000, "2GB"],
    [1_500_000, "1.5MB"],
    [2 ** 30 * 200, "200GiB"],
    [282_563_637, "269.4MiB"],
    [1_234_567, "1.1MiB"],
    [-2_048, "-2KiB"],
  ])("%d bytes are %s", (bytes, text) => expect(formatSize(bytes)).toBe(text));

  it.each(["256MiB", "1152MiB", "1GiB", "7.5GiB", "100GB", "1.5TB", "8EB", "640KiB"])(
    "%s is written as it was given",
    (given) => expect(formatSize(parseByteSize(given))).toBe(given),
  );

  it.each([
    [0, "0"],
    [1.005, "1.00"],
    [12.3456, "12.35"],
    [0.1, "0.10"],
    [0.02, "0.02"],
    [0.0456, "0.0456"],
    [0.000123, "0.000123"],
    [0.00000000123, "0.00000000123"],
    [-0.04, "-0.04"],
  ])("%d is worth %s", (amount, text) => expect(formatMoney(amount)).toBe(text));

  it.each([1, 500, 1000])("a request's priority of %d is what its user sees", (given) => {
    const made = containerPriority(given, CREATED_AT_MS);
    expect(formatPriority(String(made), CREATED_AT_MS)).toBe(String(given));
  });

  it.each(["0", "1", "700", "-3", "562948157524284161", "1125899906842624"])(
    "a priority that no request's makes stays what it is: %s",
    (priority) => expect(formatPriority(priority, CREATED_AT_MS)).toBe(priority),
  );

  it("counts, shares, means, seconds, prices and instants", () => {
    expect([
      formatCount(12_345),
      formatShare(0.125),
      formatNumber(2.345, 1),
      formatSeconds(1_234),
      formatPrice(0.02),
      formatTime(CREATED_AT_MS),
      formatTime("2026-01-02T03:04:05.678Z"),
      formatTime(null),
    ]).toEqual([
      "12,345",
      "12.5%",
      "2.3",
      "1.234",
      "0.020000",
      "2026-01-02T03:04:05.678Z",
      "2026-01-02T03:04:05.678Z",
      "-",
    ]);
  });
});

/** Ways to make a text of an amount: digits cut, thousands set apart, a unit put behind a number. */
const WRITES_AMOUNTS =
  /\.toFixed\(|\.toPrecision\(|\.toExponential\(|\.toLocaleString\(|\$\{[^}]*\}\s?(?:[KMGTP]i?B|ms|s|m|h|d)(?![\w"-])|\}\s(?:ms|s|[KMGTP]i?B)$|"[KMGTP]iB"|Intl\.NumberFormat/;

/** Not for the eyes of users or operators, or what may not import the module: the runner, and the config's own notation. */
const ELSEWHERE = /^src\/(crunch-run|config|simulator\/invariants)\//;

const OWN_WORDS = [
  // A function's default, and a line of code.
  "src/machines/explain/next/worker-conditions.ts: plural = `${noun}s`",
  "src/cli/cloudtest/step-log.ts: `${at}s",
  // The config's own notation.
  "src/cli/hosts/instance-type.ts: return bytes >= GIB",
];

describe("no other place writes amounts", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" })
    .map((file) => join("src", file))
    .filter((file) => /\.tsx?$/.test(file) && !ELSEWHERE.test(file))
    .filter((file) => file !== "src/machines/model/amounts.ts");
  const places = files.flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => WRITES_AMOUNTS.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );

  it("in the command line, the page or an explanation", () => {
    expect(files.length).toBeGreaterThan(300);
    const isKnown = (place: string) =>
      OWN_WORDS.some((known) => {
        const [file = "", words = ""] = known.split(": ");
        return place.startsWith(`${file}: `) && place.includes(words);
      });
    expect(places.filter((place) => !isKnown(place))).toEqual([]);
  });

  it.each([
    "x.toFixed(1)",
    "`${size} MiB`",
    '["B", "KiB"]',
    "`${seconds} s`",
    "n.toLocaleString()",
  ])("the check sees %s", (line) => expect(line).toMatch(WRITES_AMOUNTS));
});
