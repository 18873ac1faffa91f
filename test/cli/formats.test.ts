import { describe, expect, it } from "vitest";
import { formatMoney, formatSize, formatSpan } from "../../src/cli/amounts.ts";
import { nearest } from "../../src/cli/nearest.ts";
import { medianOf } from "../../src/cli/summary.ts";
import { formatTable } from "../../src/cli/table.ts";

describe("amounts", () => {
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
    [512, "512 B"],
    [1536, "1.5 KiB"],
    [1024 ** 3 * 200, "200 GiB"],
  ])("%d bytes are %s", (bytes, text) => expect(formatSize(bytes)).toBe(text));

  it.each([
    [0, "0"],
    [1.005, "1.00"],
    [0.000123, "0.00012"],
  ])("%d is worth %s", (amount, text) => expect(formatMoney(amount)).toBe(text));

  it("the median is a value that half of them do not exceed", () => {
    expect([[], [5], [1, 9], [1, 2, 9]].map(medianOf)).toEqual([undefined, 5, 1, 2]);
  });
});

describe("a table", () => {
  const columns = [
    { title: "NAME", text: (row: string[]) => row[0] ?? "" },
    { title: "N", align: "right" as const, text: (row: string[]) => row[1] ?? "" },
    { title: "WHY", text: (row: string[]) => row[2] ?? "" },
  ];

  it("has aligned columns and no blanks at the ends of lines", () => {
    const rows = [
      ["a", "100", ""],
      ["long name", "7", "because"],
    ];
    expect(formatTable(rows, columns)).toBe(
      ["NAME         N  WHY", "a          100", "long name    7  because", ""].join("\n"),
    );
  });

  it("keeps text from outside in its line, and from steering the terminal", () => {
    const [, line] = formatTable([["x\nforged", "\u001b[2J1", ""]], columns).split("\n");
    expect(line).toBe("x forged   [2J1");
  });
});

describe("the nearest name", () => {
  const known = ["submit", "status", "stop", "ps"];
  it.each([
    ["sumbit", "submit"],
    ["stat", "status"],
    ["stpo", "stop"],
    ["sp", "ps"],
    ["frobnicate", undefined],
  ])("of %s is %s", (given, name) => expect(nearest(given, known)).toBe(name));
});
