import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Io } from "../../src/cli/io.ts";
import { runProgram } from "../../src/cli/program.ts";

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface IoOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly interrupted?: AbortSignal;
  /** The second signal in a row. */
  readonly interruptedAgain?: AbortSignal;
  readonly isTty?: boolean;
  /** The answers of who sits at the terminal, in order; without any there is no terminal to ask at. */
  readonly answers?: readonly string[];
  readonly nowMs?: () => number;
}

/** A process that exists on paper only. */
export function testIo(options: IoOptions = {}) {
  const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const answers = [...(options.answers ?? [])];
  const io: Io = {
    env: options.env ?? {},
    cwd: options.cwd ?? "/nowhere",
    isTty: options.isTty ?? false,
    columns: 80,
    out: (text) => void chunks.stdout.push(Buffer.from(text)),
    err: (text) => void chunks.stderr.push(Buffer.from(text)),
    readStdin: async () => options.stdin ?? "",
    waitForEnter: async () => {},
    ask:
      options.answers &&
      (async (question) => {
        chunks.stderr.push(Buffer.from(`${question}\n`));
        return answers.shift() ?? "";
      }),
    interrupts: (times) =>
      (times === 2 ? options.interruptedAgain : options.interrupted) ??
      new AbortController().signal,
    nowMs: options.nowMs ?? (() => Date.now()),
  };
  return {
    io,
    stdout: () => Buffer.concat(chunks.stdout).toString(),
    stderr: () => Buffer.concat(chunks.stderr).toString(),
  };
}

/** Runs a command line to its end. */
export async function runCli(args: readonly string[], options: IoOptions = {}): Promise<Outcome> {
  const { io, stdout, stderr } = testIo(options);
  const exitCode = await runProgram(args, io);
  return { exitCode, stdout: stdout(), stderr: stderr() };
}

/** A folder that is gone when the test is over. */
export function makeTempDir(): string {
  const path = mkdtempSync(join(tmpdir(), "cli-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A config file in a fresh folder; `inside` is the inside of the cluster. */
export function writeConfig(inside: object): string {
  const path = join(makeTempDir(), "config.yml");
  writeFileSync(path, JSON.stringify({ Clusters: { zzzzz: inside } }));
  return path;
}
