import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const SRC = resolve(import.meta.dirname, "../../src");

/** What each file imports or exports from, types and what is loaded later included. */
function readImports(): Map<string, string[]> {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .sort();
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(SRC, file), "utf8"));
      const imported = importedFiles
        .map(({ fileName }) => fileName)
        .filter((source) => source.startsWith("."))
        .map((source) => join(file, "..", source));
      return [file, imported];
    }),
  );
}

/** The first circle that is met, as the files one comes through. */
function findCircle(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] => {
    if (done.has(file)) return [];
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    path.push(file);
    for (const next of imports.get(file) ?? []) {
      const circle = visit(next);
      if (circle.length > 0) return circle;
    }
    path.pop();
    done.add(file);
    return [];
  };
  for (const file of imports.keys()) {
    const circle = visit(file);
    if (circle.length > 0) return circle;
  }
  return [];
}

describe("the files of src", () => {
  const imports = readImports();

  it("import no circle", () => {
    expect(imports.size).toBeGreaterThan(300);
    expect(findCircle(imports).join(" -> ")).toBe("");
  });

  it("would be told of one", () => {
    const circle = new Map([
      ["a.ts", ["b.ts"]],
      ["b.ts", ["c.ts", "d.ts"]],
      ["c.ts", []],
      ["d.ts", ["b.ts"]],
    ]);
    expect(findCircle(circle)).toEqual(["b.ts", "d.ts", "b.ts"]);
  });
});
