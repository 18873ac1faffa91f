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
  /**
   * From the first call on, SIGINT, SIGTERM and SIGHUP no longer end the process but abort this signal, whose reason is
   * the name; so does a closed standard output (SIGPIPE).
   */
  readonly interrupts: () => AbortSignal;
  readonly nowMs: () => number;
}

/** The real thing. */
export function makeProcessIo(): Io {
  let interrupted: AbortController | undefined;
  // `dispatch-cloud … | head`, or a terminal that was closed: who reads has had enough.
  process.stdout.on("error", () => (interrupted ? interrupted.abort("SIGPIPE") : process.exit(0)));
  process.stderr.on("error", () => undefined);
  return {
    env: process.env,
    cwd: process.cwd(),
    isTty: process.stdout.isTTY === true,
    columns: process.stdout.columns || 80,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readStdin,
    interrupts() {
      if (interrupted) return interrupted.signal;
      const controller = new AbortController();
      interrupted = controller;
      for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.on(name, () => controller.abort(name));
      }
      return controller.signal;
    },
    nowMs: () => Date.now(),
  };
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
