import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { fstatSync, readFileSync } from "node:fs";
import { dataPaths } from "./data-dir.ts";
import { CliError } from "./exit-code.ts";

/** What a dispatcher with an embedded queue goes by where its config names no tokens. */
export interface Tokens {
  readonly systemRootToken: string;
  readonly managementToken: string;
}

const TOKEN_BYTES = 25;

/**
 * The tokens of the data directory, made at the first call. Two that call at once get the same. Throws `CliError` if the
 * file can be read by others, or is none.
 */
export function loadOrMakeTokens(dataDir: string): Tokens {
  const found = readTokens(dataDir);
  if (found) return found;
  const path = dataPaths(dataDir).tokens;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const temporary = `${path}~${process.pid}-${randomBytes(4).toString("hex")}`;
  const made: Tokens = { systemRootToken: makeToken(), managementToken: makeToken() };
  try {
    const fd = openSync(temporary, "wx", 0o600);
    writeSync(fd, `${JSON.stringify(made, null, 2)}\n`);
    fsyncSync(fd);
    closeSync(fd);
    // Unlike a rename, a link never replaces the file that another process made meanwhile.
    linkSync(temporary, path);
    return made;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const other = code === "EEXIST" ? readTokens(dataDir) : undefined;
    if (other) return other;
    throw new CliError(`cannot make ${path}: ${messageOf(error)}`, { cause: error });
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Undefined where no dispatcher has made them yet. Throws `CliError`, as `loadOrMakeTokens`. */
export function readTokens(dataDir: string): Tokens | undefined {
  const path = dataPaths(dataDir).tokens;
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CliError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    const mode = fstatSync(fd).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new CliError(
        `${path} holds secrets and may be read by others (mode ${mode.toString(8).padStart(4, "0")}): ` +
          `make it private with "chmod 600 ${path}", or, if others may have read it, remove it: ` +
          "the dispatcher makes a new one when it starts",
      );
    }
    return parseTokens(path, readFileSync(fd, "utf8"));
  } finally {
    closeSync(fd);
  }
}

/** The message never shows what stands in the file. */
function parseTokens(path: string, text: string): Tokens {
  const bad = (what: string) =>
    new CliError(
      `${path}: ${what}; remove it and restart the dispatcher to have new ones made (its instances go by the old ones)`,
    );
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw bad("expected JSON");
  }
  const token = (key: keyof Tokens): string => {
    const value = (json as Record<string, unknown> | null)?.[key];
    if (typeof value === "string" && /^[a-zA-Z0-9]+$/.test(value)) return value;
    throw bad(`${key}: expected letters and digits`);
  };
  return {
    systemRootToken: token("systemRootToken"),
    managementToken: token("managementToken"),
  };
}

function makeToken(): string {
  return randomBytes(TOKEN_BYTES).toString("hex");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
