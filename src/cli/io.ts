import { createInterface } from "node:readline/promises";
import type { Environment } from "../config/environment.ts";

/** All that a command touches of its process; tests have their own. */
export interface Io {
  readonly env: Environment;
  /** Relative paths of defaults are under it. */
  readonly cwd: string;
  /** Whether standard output is a terminal. */
  readonly isTty: boolean;
  /** The terminal's width; 80 where unknown. */
  readonly columns: number;
  /** Bytes go out as they are. */
  readonly out: (text: string | Uint8Array) => void;
  readonly err: (text: string | Uint8Array) => void;
  readonly readStdin: () => Promise<string>;
  /** Resolves with a line's end, at the end of the input, or when the signal aborts. */
  readonly waitForEnter: (signal: AbortSignal) => Promise<void>;
  /** Asks a person one line, on standard error. Undefined where there is none: standard input is no terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /**
   * From the first call on, SIGINT, SIGTERM and SIGHUP no longer end the process but abort this signal, whose reason is
   * the name; so does a closed standard output (SIGPIPE). `times` 2 is for who does not take the first for an answer.
   */
  readonly interrupts: (times?: 1 | 2) => AbortSignal;
  readonly nowMs: () => number;
}

/** The real thing. */
export function makeProcessIo(): Io {
  let interrupted: readonly [AbortController, AbortController] | undefined;
  // `dispatch-cloud … | head`, or a terminal that was closed: who reads has had enough.
  process.stdout.on("error", () =>
    interrupted ? interrupted[0].abort("SIGPIPE") : process.exit(0),
  );
  process.stderr.on("error", () => undefined);
  return {
    env: process.env,
    cwd: process.cwd(),
    isTty: process.stdout.isTTY === true,
    columns: process.stdout.columns || 80,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readStdin,
    waitForEnter,
    ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
    interrupts(times = 1) {
      interrupted ??= abortedBySignals();
      return interrupted[times === 1 ? 0 : 1].signal;
    },
    nowMs: () => Date.now(),
  };
}

/** The first signal aborts the first, the second the other. */
function abortedBySignals(): readonly [AbortController, AbortController] {
  const [first, second] = [new AbortController(), new AbortController()];
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => (first.signal.aborted ? second : first).abort(name));
  }
  return [first, second];
}

function waitForEnter(signal: AbortSignal): Promise<void> {
  const { stdin } = process;
  return new Promise<void>((resolve) => {
    const done = (): void => {
      stdin.off("data", onData).off("end", done).off("error", done).pause();
      // A pipe that its writer keeps open would keep the process up. A file has no such method.
      if ("unref" in stdin) stdin.unref();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const onData = (chunk: Buffer | string): void => {
      if (chunk.includes("\n")) done();
    };
    if (signal.aborted || stdin.readableEnded) return resolve();
    signal.addEventListener("abort", done);
    stdin.on("data", onData).on("end", done).on("error", done).resume();
  });
}

/** The end of the input is an empty answer. The terminal stays as it is: Ctrl-C ends the program. */
async function ask(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.readableEnded) return "";
  const lines = createInterface({ input: stdin, output: stderr, terminal: false });
  const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
    if (stdin.readableEnded) stderr.write("\n");
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
