import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { configPath } from "../config/environment.ts";
import type { Finding } from "../config/finding.ts";
import { loadConfig, type ClusterConfig, type LoadResult } from "../config/load.ts";
import { CliError } from "./exit-code.ts";
import { readHost } from "./host.ts";
import type { Io } from "./io.ts";

const USUAL_PATH = "/etc/arvados/config.yml";
const STANDALONE_PATH = "config/standalone.yml";

/**
 * Which config is read: the flag's, else `$ARVADOS_CONFIG`, else the usual place (specification §1.1), and, where nothing is
 * there, `config/standalone.yml` in the working directory. `-` is standard input.
 */
export function findConfig(flag: string | undefined, io: Pick<Io, "env" | "cwd">): string {
  const path = configPath(flag, io.env);
  const isDefault = flag === undefined && path === USUAL_PATH;
  const standalone = join(io.cwd, STANDALONE_PATH);
  return isDefault && !existsSync(path) && existsSync(standalone) ? standalone : path;
}

/** What a config file comes to, with the text it was read from. Throws `CliError` if it cannot be read. */
export async function readClusterConfig(
  flag: string | undefined,
  io: Io,
): Promise<LoadResult & { readonly sourceName: string; readonly text: string }> {
  const path = findConfig(flag, io);
  const sourceName = path === "-" ? "standard input" : path;
  const text = path === "-" ? await io.readStdin() : readFile(path);
  return { ...loadConfig(text, { env: io.env, sourceName, host: readHost() }), sourceName, text };
}

/** For commands that need a config in order and have nothing to say about it. Throws `CliError` with all its errors. */
export async function requireClusterConfig(
  flag: string | undefined,
  io: Io,
): Promise<ClusterConfig> {
  const { config, findings, sourceName } = await readClusterConfig(flag, io);
  if (config) return config;
  const errors = findings.filter(({ severity }) => severity === "error");
  throw new CliError([`${sourceName} is not usable:`, ...errors.map(findingLine)].join("\n  "));
}

/** `error: PATH: …` */
export function findingLine({ severity, path, message }: Finding): string {
  return `${severity}: ${message.startsWith(path) ? message : `${path}: ${message}`}`;
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(
      `cannot read the config ${path}: ${reason}; name another with --config FILE or $ARVADOS_CONFIG`,
      { cause: error },
    );
  }
}
