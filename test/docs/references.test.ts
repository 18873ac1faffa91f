import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const THIS_FILE = "test/docs/references.test.ts";

function filesIn(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(fileURLToPath(ROOT), join(entry.parentPath, entry.name)));
}

const texts = new Map(
  [
    ...["src", "test", "docs", "config", ".ci"].flatMap((folder) => filesIn(`${folder}/`)),
    ...readdirSync(ROOT).filter((name) => /\.(md|js|ts|json)$/.test(name)),
  ]
    .filter((file) => /(\.(ts|tsx|js|md|json|yml|css|html)|\.ci\/\w+)$/.test(file))
    .filter((file) => file !== THIS_FILE && file !== "package-lock.json")
    .map((file) => [file, readFileSync(new URL(file, ROOT), "utf8")]),
);

/** All matches of a pattern with one group, as `file: group`. */
function found(pattern: RegExp, files = [...texts.keys()]): [string, string][] {
  return files.flatMap((file) =>
    [...(texts.get(file) ?? "").matchAll(pattern)].map(([, group = ""]): [string, string] => [
      file,
      group,
    ]),
  );
}

describe("what code and documents point at", () => {
  it("is in this repository", () => {
    expect(texts.size).toBeGreaterThan(500);
    const outside = found(
      /(\.\.\/shared\/|\.library\/|\/work\/|MEASURED|STYLE\.md|USERS\.md|DESIGN\b|dispatcher-spec)/g,
    );
    expect(outside).toEqual([]);
  });

  it("has its place in the specification", () => {
    const specification = texts.get("docs/specification.md") ?? "";
    const places = new Set([
      ...[...specification.matchAll(/^#+ (\d+(?:\.\d+)?)/gm)].map(([, place]) => place),
      ...[...specification.matchAll(/^- (§[^\n]*(?:\n {2}[^\n]*)*)/gm)].flatMap(([, rules = ""]) =>
        [...rules.matchAll(/§(\d+\.\d+)/g)].map(([, place]) => place),
      ),
    ]);
    const named = found(/specification §(\d+(?:\.\d+)?)/g);
    expect(named.length).toBeGreaterThan(200);
    expect(named.filter(([, place]) => !places.has(place))).toEqual([]);
  });

  it("has its place in the design", () => {
    const design = (texts.get("docs/design.md") ?? "").toLowerCase();
    const named = found(/docs\/design\.md: ([a-z ,]+)/g);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(([, words]) => !design.includes(words.trim()))).toEqual([]);
  });

  it("is there, where a document links to a file", () => {
    const pages = [...texts.keys()].filter((file) => file.endsWith(".md"));
    const links = found(/\]\(((?!https?:|#|mailto:)[^)\s]+)\)/g, pages);
    expect(links.length).toBeGreaterThan(30);
    const dead = links.filter(
      ([file, link]) => !existsSync(new URL(link.replace(/#.*$/, ""), new URL(file, ROOT))),
    );
    expect(dead).toEqual([]);
  });
});
