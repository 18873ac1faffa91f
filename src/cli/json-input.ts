import { readFileSync } from "node:fs";
import { parseLossless } from "../drivers/queue/arvados/json.ts";
import { UsageError } from "./exit-code.ts";
import type { Io } from "./io.ts";

/** JSON from a file, or from standard input for `-` or nothing. Throws `UsageError`. */
export async function readJsonInput(path: string | undefined, io: Io): Promise<unknown> {
  const fromStdin = path === undefined || path === "-";
  const source = fromStdin ? "standard input" : path;
  const text = fromStdin ? await io.readStdin() : readFile(path);
  try {
    return parseLossless(text);
  } catch (error) {
    const found =
      text.trim() === "" ? "nothing" : `text that is none (${(error as Error).message})`;
    throw new UsageError(`${source}: found ${found}, expected JSON`, { cause: error });
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Runs code that reports bad input by a plain `Error`; what else it throws is a bug and stays one.
 */
export function asBadInput<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && error.name === "Error") {
      throw new UsageError(error.message, { cause: error });
    }
    throw error;
  }
}
