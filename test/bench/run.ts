import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { yardstickMs, type BenchOptions, type Figure } from "./figure.ts";

/** `npm run bench [-- NAME…] [--quick]`: runs all benches, or those named, and shows their figures. */
const BENCHES = ["core", "journal", "planner", "simulator", "ssh", "steps"] as const;

const LESS_IS_BETTER = /^(ms|s|MB|bytes)\b/;

interface Bench {
  run(options: BenchOptions): Promise<readonly Figure[]>;
}

const { wanted, quick } = readArgs();
const load = loadavg()[0] ?? 0;
print([
  `Node ${process.version}, ${cpus().length} cores, load ${load.toFixed(1)} at the start, yardstick ${yardstickMs().toFixed(1)} ms`,
  "",
  row("figure", "value", "unit", "aim", "ratio"),
]);
for (const name of BENCHES) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const bench = (await import(new URL(`${name}.ts`, import.meta.url).href)) as Bench;
  for (const figure of await bench.run({ quick })) print([rowOf(figure)]);
}

function readArgs(): { wanted: readonly string[]; quick: boolean } {
  try {
    const options = { quick: { type: "boolean", default: false } } as const;
    const { positionals, values } = parseArgs({ options, allowPositionals: true });
    const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench === name));
    if (unknown.length > 0) throw new Error(`no bench ${unknown.join(", ")}`);
    return { wanted: positionals, quick: values.quick };
  } catch (error) {
    const usage = `there are ${BENCHES.join(", ")}, and --quick`;
    process.stderr.write(`${(error as Error).message}: ${usage}\n`);
    process.exit(2);
  }
}

function rowOf({ name, value, unit, limit }: Figure): string {
  const shown = value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  if (limit === undefined) return row(name, shown, unit, "", "");
  const isLess = LESS_IS_BETTER.test(unit);
  const bound = `${isLess ? "≤" : "≥"} ${limit.toLocaleString("en")}`;
  const isMet = isLess ? value <= limit : value >= limit;
  return row(name, shown, unit, bound, `${(value / limit).toFixed(2)}x${isMet ? "" : " missed"}`);
}

function row(name: string, value: string, unit: string, limit: string, ratio: string): string {
  return [name.padEnd(66), value.padStart(8), unit.padEnd(13), limit.padStart(9), ratio.padStart(6)]
    .join("  ")
    .trimEnd();
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
