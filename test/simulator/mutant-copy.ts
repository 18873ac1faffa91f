import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Cut } from "./mutants.ts";

export const ROOT = resolve(import.meta.dirname, "../..");

export interface Failure {
  readonly seed: number;
  readonly name: string;
  readonly text: string;
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

/** The first of the seeds that fails with the cuts, tried in the order given, in a process of its own. */
export async function firstFailure(
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
