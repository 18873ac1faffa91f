import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mutant } from "./mutants.ts";

export interface Verdict {
  readonly mutant: Mutant;
  /** The first seed that noticed, and what. */
  readonly caught:
    { readonly seed: number; readonly name: string; readonly text: string } | undefined;
}

const DOCUMENT = "docs/simulation.md";
const BEGIN = "<!-- mutants: written by `npm run sim:mutants -- --write` -->";
const END = "<!-- mutants: end -->";
const ROW = /^\| `([a-z0-9-]+)`\s+\|.*\|\s+(\d+)\s+\|/;

export function textLine({ mutant, caught }: Verdict): string {
  const verdict = caught ? `seed ${caught.seed}` : "NOT CAUGHT";
  const what = caught ? `${caught.name}: ${firstLine(caught.text).slice(0, 90)}` : "";
  return `${mutant.name.padEnd(26)} ${verdict.padEnd(10)} ${mutant.net} (${what})`;
}

export function markdownTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ mutant: { name, net }, caught }) => [
    `\`${name}\``,
    net,
    caught?.name ?? "**not caught**",
    String(caught?.seed ?? ""),
  ]);
  const all = [["mutant", "the net that it cuts", "noticed by", "seed"], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...all.map((row) => (row[at] ?? "").length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => (at === 3 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0))).join(" | ")} |`;
  const [head = [], ...body] = all;
  const rule = widths.map((width, at) =>
    at === 3 ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
  );
  return [line(head), `| ${rule.join(" | ")} |`, ...body.map(line)].join("\n");
}

export function writeTable(root: string, table: string): void {
  const path = join(root, DOCUMENT);
  const text = readFileSync(path, "utf8");
  const [before, rest = ""] = text.split(BEGIN);
  const after = rest.split(END)[1];
  if (after === undefined) throw new Error(`${DOCUMENT}: expected the marks of the table`);
  writeFileSync(path, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
}

/** The seed that caught each mutant when the table was written: tried first. */
export function readCatchers(root: string): Map<string, number> {
  const path = join(root, DOCUMENT);
  if (!existsSync(path)) return new Map();
  const rows = readFileSync(path, "utf8")
    .split("\n")
    .map((line) => ROW.exec(line));
  return new Map(rows.flatMap((row) => (row ? [[row[1] ?? "", Number(row[2])]] : [])));
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
