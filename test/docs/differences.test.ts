import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url);
/** Of the specification's list of defects in the original. */
const DEFECTS_COUNT = 19;

const page = readFileSync(new URL("docs/differences.md", ROOT), "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim()));

describe("docs/differences.md", () => {
  it("names a test file for every difference, and each is there", () => {
    for (const [, where = "", , , shownBy = ""] of rows) {
      const files = [...shownBy.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file);
      expect(files.length, where).toBeGreaterThan(0);
      for (const file of files) {
        expect(file, where).toMatch(/^test\/.*\.test\.ts$/);
        expect(existsSync(new URL(file, ROOT)), `${where}: ${file}`).toBe(true);
      }
    }
  });

  it("speaks of every known defect", () => {
    const spoken = [...page.matchAll(/\((\d+(?:, \d+)*)\)/g)].flatMap(([, list = ""]) =>
      list.split(", "),
    );
    const all = Array.from({ length: DEFECTS_COUNT }, (_, index) => String(index + 1));
    expect([...new Set(spoken)].sort()).toEqual(all.sort());
  });
});
