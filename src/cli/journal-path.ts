import { statSync } from "node:fs";
import { dataPaths } from "./data-dir.ts";
import { CliError } from "./exit-code.ts";

/** A journal file as named on the command line; a data directory stands for the journal in it. Throws `CliError`. */
export function journalPath(given: string): string {
  try {
    if (!statSync(given).isDirectory()) return given;
    const path = dataPaths(given).journal;
    statSync(path);
    return path;
  } catch (error) {
    throw new CliError(`no journal at ${given}: ${(error as Error).message}`, { cause: error });
  }
}

export const JOURNAL_ARG = { usage: "JOURNAL", min: 1, max: 1 } as const;
export const JOURNAL_NOTE = "JOURNAL is a journal file, or a data directory that holds one.";
