/** `npm run sim:mutants`: cuts one safety net of the product after the other, and sees whether a seed notices. */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { MUTANTS } from "./mutants.ts";
import type { Mutant } from "./mutants.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "400" },
    first: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});

const ROOT = resolve(import.meta.dirname, "../..");

interface Verdict {
  readonly mutant: Mutant;
  /** The first seed that noticed, and what. */
  readonly seed: number | undefined;
  readonly what: string;
}

/** The product as it is, but for one net. */
function makeCopy({ file, find, replace, name }: Mutant): string {
  const directory = mkdtempSync(join(tmpdir(), "dispatch-cloud-mutant-"));
  for (const each of ["src", "test/simulator", "package.json"])
    cpSync(join(ROOT, each), join(directory, each), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  const path = join(directory, file);
  const text = readFileSync(path, "utf8");
  if (text.split(find).length !== 2)
    throw new Error(`mutant ${name}: ${file} must hold exactly one ${JSON.stringify(find)}`);
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  return directory;
}

async function judge(mutant: Mutant): Promise<Verdict> {
  const directory = makeCopy(mutant);
  try {
    const args = ["--import", "tsx", "test/simulator/sim.ts", "--stop"];
    const range = ["--seeds", values.seeds, "--first", values.first];
    const output = await run(process.execPath, [...args, ...range], directory);
    const found = /^seed (\d+) fails: (.*)$/m.exec(output);
    if (!found && !/, 0 failed,/.test(output)) throw new Error(`${mutant.name}: ${output}`);
    const seed = found ? Number(found[1]) : undefined;
    return { mutant, seed, what: found?.[2] ?? mutant.unseen ?? "" };
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

function line({ mutant, seed, what }: Verdict): string {
  const verdict = seed === undefined ? "NOT CAUGHT" : `caught`;
  const by = seed === undefined ? "" : `seed ${seed}`;
  return `${mutant.name.padEnd(26)} ${verdict.padEnd(10)} ${by.padEnd(10)} ${mutant.net} (${what.slice(0, 90)})\n`;
}

const wanted = MUTANTS.filter(
  ({ name }) => values.only === "" || values.only.split(",").includes(name),
);
let missedCount = 0;
for (const mutant of wanted) {
  const verdict = await judge(mutant);
  process.stdout.write(line(verdict));
  if (verdict.seed === undefined && mutant.unseen === undefined) missedCount++;
}
const caught = wanted.length - missedCount;
process.stdout.write(`${caught} of ${wanted.length} are caught, or are as good without the net\n`);
process.exitCode = missedCount > 0 ? 1 : 0;
