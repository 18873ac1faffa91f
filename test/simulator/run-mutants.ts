/**
 * `npm run sim:mutants`: cuts one safety net of the product after the other, and sees whether a seed of the budget
 * notices that is green with the net in place. With `--write`, the table goes to docs/simulation.md.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { budget } from "./budget.ts";
import { MUTANTS, type Cut, type Mutant } from "./mutants.ts";
import { markdownTable, readCatchers, textLine, writeTable, type Verdict } from "./mutant-table.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const USAGE = `npm run sim:mutants -- [--only NAME,…] [--jobs J] [--afresh] [--write]
  --only     these mutants (default: all ${MUTANTS.length})
  --jobs     mutants at once (default: one a core)
  --afresh   tries the seeds in order, instead of the one that caught a mutant last time first
  --write    writes the table in docs/simulation.md`;

interface Failure {
  readonly seed: number;
  readonly name: string;
  readonly text: string;
}

function readArgs() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", default: "" },
      jobs: { type: "string", default: String(availableParallelism()) },
      afresh: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const jobs = Number(values.jobs);
  if (!Number.isSafeInteger(jobs) || jobs < 1)
    throw new Error(`--jobs: found ${values.jobs}, expected a whole number from 1 on`);
  const names = values.only.split(",").filter((name) => name !== "");
  for (const name of names)
    if (!MUTANTS.some((mutant) => mutant.name === name))
      throw new Error(
        `--only: found ${name}, expected one of ${MUTANTS.map((each) => each.name).join(", ")}`,
      );
  if (values.write && names.length > 0)
    throw new Error("--write needs the whole table: leave out --only");
  return { ...values, jobs, names };
}

/** The product as it is, but for some nets. */
function makeCopy(cuts: readonly Cut[]): string {
  const directory = mkdtempSync(join(tmpdir(), "dispatch-cloud-mutant-"));
  for (const each of ["src", "test/simulator", "package.json"])
    cpSync(join(ROOT, each), join(directory, each), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  for (const { file, find, replace } of cuts) {
    const path = join(directory, file);
    const text = readFileSync(path, "utf8");
    if (text.split(find).length !== 2)
      throw new Error(`${file} must hold exactly one ${JSON.stringify(find)}`);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  return directory;
}

async function firstFailure(
  cuts: readonly Cut[],
  seeds: readonly number[],
): Promise<Failure | undefined> {
  const directory = makeCopy(cuts);
  try {
    const script = ["--import", "tsx", "test/simulator/first-failure.ts", ...seeds.map(String)];
    const output = await run(process.execPath, script, directory);
    const last = output.trim().split("\n").at(-1) ?? "";
    if (!last.startsWith("{") && last !== "null") throw new Error(output);
    return (JSON.parse(last) as Failure | null) ?? undefined;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    child.stderr.on("data", (chunk) => (output += String(chunk)));
    child.on("error", fail);
    child.on("exit", () => done(output));
  });
}

const greens = new Map<number, Promise<boolean>>();

/** Whether a seed is green in the product as it is: one that fails anyway has caught nothing. */
function isGreen(seed: number): Promise<boolean> {
  let green = greens.get(seed);
  if (!green) {
    green = firstFailure([], [seed]).then((failure) => failure === undefined);
    greens.set(seed, green);
  }
  return green;
}

async function judge(mutant: Mutant, lastCatcher: number | undefined): Promise<Verdict> {
  const cuts = [mutant, ...(mutant.also ?? [])];
  let seeds = budget();
  if (lastCatcher !== undefined) seeds = [lastCatcher, ...seeds.filter((s) => s !== lastCatcher)];
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
  const catchers = args.afresh ? new Map<string, number>() : readCatchers(ROOT);
  const verdicts: Verdict[] = [];
  const queue = [...wanted];
  const work = async (): Promise<void> => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const verdict = await judge(mutant, catchers.get(mutant.name));
      verdicts.push(verdict);
      process.stdout.write(`${textLine(verdict)}\n`);
    }
  };
  await Promise.all(Array.from({ length: args.jobs }, work));
  const missed = verdicts.filter(({ caught }) => !caught);
  process.stdout.write(
    `${wanted.length - missed.length} of ${wanted.length} mutants are caught within ${budget().length} seeds\n`,
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
