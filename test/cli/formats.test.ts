import { describe, expect, it } from "vitest";
import { nearest } from "../../src/cli/nearest.ts";
import { medianOf } from "../../src/cli/summary.ts";
import { formatTable } from "../../src/cli/table.ts";

describe("a batch", () => {
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
