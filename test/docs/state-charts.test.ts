import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { CHARTS_FILE, stateChartsPage } from "../support/state-charts.ts";

describe("docs/state-charts.md", () => {
  it("shows the charts as they are (otherwise: npm run docs:charts)", async () => {
    expect(await readFile(CHARTS_FILE, "utf8")).toBe(await stateChartsPage());
  });
});
