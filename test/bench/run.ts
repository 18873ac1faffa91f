import { readdir } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import type { Figure } from "./figure.ts";

/** `npm run bench [-- NAME…]`: runs the benches of this folder, or those named, and shows their figures. */
const OTHERS = new Set(["run", "figure", "busy-fleet"]);

const LESS_IS_BETTER = /^(ms|bytes)/;

const here = new URL(".", import.meta.url);
const found = (await readdir(here)).map((file) => file.replace(/\.[jt]s$/, ""));
const benches = [...new Set(found)].filter((name) => /^[a-z-]+$/.test(name) && !OTHERS.has(name));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benches.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no bench ${unknown.join(", ")}: there are ${benches.sort().join(", ")}\n`);
  process.exit(2);
}

const load = loadavg()[0] ?? 0;
print([
  `Node ${process.version}, ${cpus().length} cores, load ${load.toFixed(1)} at the start`,
  "",
]);
print([row("figure", "value", "unit", "limit", "ratio")]);
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
for (const name of wanted.length > 0 ? wanted : benches.sort()) {
  const bench = (await import(new URL(`${name}.${extension}`, here).href)) as Bench;
  for (const figure of await bench.run()) print([rowOf(figure)]);
}

interface Bench {
  run(): Promise<readonly Figure[]>;
}

function rowOf({ name, value, unit, limit }: Figure): string {
  const shown = value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  if (limit === undefined) return row(name, shown, unit, "", "");
  const bound = `${LESS_IS_BETTER.test(unit) ? "≤" : "≥"} ${limit.toLocaleString("en")}`;
  return row(name, shown, unit, bound, `${(value / limit).toFixed(2)}x`);
}

function row(name: string, value: string, unit: string, limit: string, ratio: string): string {
  return [
    name.padEnd(56),
    value.padStart(10),
    unit.padEnd(15),
    limit.padStart(10),
    ratio.padStart(7),
  ]
    .join("  ")
    .trimEnd();
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
