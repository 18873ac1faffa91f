import { closeSync, existsSync, fchmodSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { loadConfig, type ClusterConfig } from "../../config/load.ts";
import type { Finding } from "../../config/finding.ts";
import { checkDriver } from "../../drivers/cloud/catalogue.ts";
import { findConfig, findingLine } from "../cluster-config.ts";
import { CliError, UsageError } from "../exit-code.ts";
import { readHost } from "../host.ts";
import type { Io } from "../io.ts";
import { newConfig } from "./config-changes.ts";
import { ConfigText } from "./config-text.ts";

/** A config that is there, or that will be. */
export interface ConfigFile {
  readonly path: string;
  readonly isNew: boolean;
  readonly config: ClusterConfig;
  readonly text: ConfigText;
  /** As it was read. */
  readonly source: string;
}

const isError = ({ severity }: Finding): boolean => severity === "error";
const STANDALONE_PATH = "config/standalone.yml";

/** Throws `CliError` if there is one that is not usable, or none and none may be made. */
export function openConfigFile(
  flag: string | undefined,
  { io, mayMake }: { readonly io: Io; readonly mayMake: boolean },
): ConfigFile {
  const found = findConfig(flag, io);
  if (found === "-")
    throw new UsageError("--config -: standard input cannot be written to; name a file");
  const isNew = mayMake && !existsSync(found);
  const isChosen = flag !== undefined || Boolean(io.env["ARVADOS_CONFIG"]);
  // The usual place is for root to write to.
  const mayUseFound = isChosen || process.getuid?.() === 0;
  const path = resolve(io.cwd, isNew && !mayUseFound ? STANDALONE_PATH : found);
  const dataDir = process.getuid?.() === 0 && !isChosen ? undefined : join(dirname(path), "data");
  const source = isNew ? newConfig(dataDir) : readText(path);
  const config = check(source, path, io);
  return { path, isNew, config, source, text: new ConfigText(source, config.id) };
}

/** Writes what has become of the text, if anything has; the old one stays beside it as `.bak`. Returns what it comes to. */
export function saveConfigFile(file: ConfigFile, io: Io): ClusterConfig {
  const changed = changedText(file.path, file.text);
  const config = check(changed, file.path, io);
  if (changed !== file.source || file.isNew) write(file, changed);
  return config;
}

function write({ path, isNew, source }: ConfigFile, changed: string): void {
  if (isNew) {
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(path)) throw new CliError(`${path} was made by somebody else meanwhile`);
    return writeWhole(path, changed, 0o600);
  }
  // A link stays one.
  const real = realpathSync(path);
  if (readText(real) !== source)
    throw new CliError(`${path} was changed by somebody else meanwhile: try again`);
  const mode = statSync(real).mode & 0o777;
  writeWhole(`${real}.bak`, source, mode);
  writeWhole(real, changed, mode);
}

function changedText(path: string, text: ConfigText): string {
  try {
    return text.toString();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`${path} is left as it is: ${reason}`, { cause });
  }
}

function check(source: string, path: string, io: Io): ClusterConfig {
  const { config, findings } = loadConfig(source, {
    env: io.env,
    sourceName: path,
    host: readHost(),
  });
  const errors = [...findings, ...driverFindings(config)].filter(isError).map(findingLine);
  if (config && errors.length === 0) return config;
  throw new CliError([`${path} is not usable:`, ...errors].join("\n  "));
}

/** What another driver makes of its parameters is not asked: they may be about to go. */
function driverFindings(config: ClusterConfig | undefined): readonly Finding[] {
  if (config?.containers.cloudVMs.driver !== "static") return [];
  const { driver, driverParameters } = config.containers.cloudVMs;
  const prefix = `Clusters.${config.id}.Containers.CloudVMs`;
  const instanceTypes = Object.keys(config.instanceTypes);
  return checkDriver(driver, driverParameters, { prefix, instanceTypes }).findings;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const way =
      "name another with --config FILE, or have one made with dispatch-cloud hosts add USER@HOST";
    throw new CliError(`cannot read the config ${path}: ${reason}; ${way}`, { cause });
  }
}

/** All of it or nothing, whenever this process or the machine ends. */
function writeWhole(path: string, text: string, mode: number): void {
  const temporary = `${path}~${process.pid}`;
  try {
    const fd = openSync(temporary, "wx", mode);
    try {
      fchmodSync(fd, mode);
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`cannot write ${path}: ${reason}`, { cause });
  }
}
