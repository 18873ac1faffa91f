/**
 * `npm run sim:mutants`: cuts one safety net of the product after the other, and sees whether a seed of the budget
 * notices that is green with the net in place. With `--write`, the table goes to docs/simulation.md.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { budget } from "./budget.ts";
import { firstFailure, ROOT } from "./mutant-copy.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { markdownTable, readCatchers, textLine, writeTable, type Verdict } from "./mutant-table.ts";
import { trySeed } from "./seed-report.ts";

const USAGE = `npm run sim:mutants -- [--only NAME,…] [--jobs J] [--afresh] [--write] [--seeds N --first K]
  --only     these mutants (default: all ${MUTANTS.length})
  --jobs     mutants at once (default: one a core)
  --seeds    tries so many seeds instead of the budget's, --first and those after it: to find one for a mutant that the
             budget misses, which then stands in budget.ts
  --afresh   tries the seeds in order, instead of the one that caught a mutant last time first
  --write    writes the table in docs/simulation.md`;

function readArgs() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", default: "" },
      jobs: { type: "string", default: String(availableParallelism()) },
      afresh: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      seeds: { type: "string" },
      first: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  const whole = (name: "jobs" | "seeds" | "first"): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new Error(`--${name}: found ${values[name]}, expected a whole number from 1 on`);
    return value;
  };
  const jobs = whole("jobs");
  const first = whole("first");
  const seeds =
    values.seeds === undefined
      ? budget()
      : Array.from({ length: whole("seeds") }, (_, at) => first + at);
  const names = values.only.split(",").filter((name) => name !== "");
  for (const name of names)
    if (!MUTANTS.some((mutant) => mutant.name === name))
      throw new Error(
        `--only: found ${name}, expected one of ${MUTANTS.map((each) => each.name).join(", ")}`,
      );
  if (values.write && (names.length > 0 || values.seeds !== undefined))
    throw new Error("--write needs the whole table: leave out --only and --seeds");
  return { ...values, jobs, names, seeds, isSearch: values.seeds !== undefined };
}

const greens = new Map<number, Promise<boolean>>();

/** Whether a seed is green in the product as it is: one that fails anyway has caught nothing. */
function isGreen(seed: number): Promise<boolean> {
  let green = greens.get(seed);
  if (!green) {
    green = trySeed(seed).then(({ failure }) => failure === undefined);
    greens.set(seed, green);
  }
  return green;
}

async function judge(mutant: Mutant, inOrder: readonly number[]): Promise<Verdict> {
  const cuts = [mutant, ...(mutant.also ?? [])];
  let seeds = inOrder;
  for (;;) {
    const failure = await firstFailure(cuts, seeds);
    if (!failure) return { mutant, caught: undefined };
    if (await isGreen(failure.seed)) return { mutant, caught: failure };
    seeds = seeds.slice(seeds.indexOf(failure.seed) + 1);
  }
}

async function main(): Promise<number> {
  const args = readArgs();
  if (args.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const wanted = MUTANTS.filter(({ name }) => args.names.length === 0 || args.names.includes(name));
  const afresh = args.afresh || args.isSearch;
  const catchers = afresh ? new Map<string, number>() : readCatchers(ROOT);
  const seedsFor = ({ name }: Mutant): number[] => [
    ...new Set([...(catchers.has(name) ? [catchers.get(name)!] : []), ...args.seeds]),
  ];
  const verdicts: Verdict[] = [];
  const queue = [...wanted];
  const work = async (): Promise<void> => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const verdict = await judge(mutant, seedsFor(mutant));
      verdicts.push(verdict);
      process.stdout.write(`${textLine(verdict)}\n`);
    }
  };
  await Promise.all(Array.from({ length: args.jobs }, work));
  const missed = verdicts.filter(({ caught }) => !caught);
  process.stdout.write(
    `${wanted.length - missed.length} of ${wanted.length} mutants are caught within ${args.seeds.length} seeds\n`,
  );
  const inOrder = wanted.map((mutant) => verdicts.find((verdict) => verdict.mutant === mutant)!);
  if (args.write) writeTable(ROOT, markdownTable(inOrder));
  return missed.length > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(
    `sim:mutants: ${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`,
  );
  process.exitCode = 2;
}
