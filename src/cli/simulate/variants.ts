import { basename } from "node:path";
import { parse } from "yaml";
import type { DispatcherConfig } from "../../actors/dispatcher.ts";
import { atPath, mergeOver, type ConfigMap } from "../../config/document.ts";
import { loadConfig, type ClusterConfig } from "../../config/load.ts";
import type { Pace, Settings } from "../../machines/model/settings.ts";
import { dispatcherConfig } from "../daemon/dispatcher-config.ts";
import { findingLine } from "../cluster-config.ts";
import { UsageError } from "../exit-code.ts";
import { readHost } from "../host.ts";

/** One way to configure the dispatcher, by a name that a table can show. */
export interface Variant {
  readonly name: string;
  readonly config: DispatcherConfig;
  /** Nothing in it differs from the first one. */
  readonly isBase: boolean;
}

/** A config in the notation of the file: what is within `Clusters.<id>`. */
export interface BaseConfig {
  readonly name: string;
  readonly clusterId: string;
  readonly cluster: ConfigMap;
}

interface Setting {
  readonly path: string;
  readonly value: string;
}

/**
 * The base as it is, then each combination of what `--set` gives: a path that is given twice has two values to be tried.
 * With `recorded`, the base is what the journal's dispatcher went by, and only what is set differs from it. Throws
 * `UsageError`.
 */
export function makeVariants(
  base: BaseConfig,
  options: {
    sets: readonly string[];
    others: readonly BaseConfig[];
    recorded?: { readonly settings: Settings; readonly pace: Pace | undefined } | undefined;
  },
): Variant[] {
  const { sets, others, recorded } = options;
  const plain = configOf(base);
  const adapt = (config: DispatcherConfig): DispatcherConfig =>
    recorded
      ? {
          ...config,
          ...(recorded.pace ? overlay(recorded.pace, plain, config) : {}),
          settings: overlay(recorded.settings, plain.settings, config.settings),
        }
      : config;
  const variants: Variant[] = [{ name: titleOf(base), config: adapt(plain), isBase: true }];
  for (const other of others)
    variants.push({ name: titleOf(other), config: adapt(configOf(other)), isBase: false });
  for (const combination of combinations(sets.map(readSetting))) {
    const cluster = combination.reduce((all, setting) => apply(all, setting, base), base.cluster);
    const name = combination.map(({ path, value }) => `${lastOf(path)}=${value}`).join(" ");
    const source = combination.map(({ path, value }) => `--set ${path}=${value}`).join(" ");
    variants.push({
      name,
      config: adapt(configOf({ ...base, name: source, cluster })),
      isBase: false,
    });
  }
  return variants;
}

/** A file's name stands for its path in the head of a column. */
function titleOf({ name }: BaseConfig): string {
  return name === "-" ? "standard input" : basename(name);
}

/** What differs between the two configs, over what was recorded. */
function overlay<T extends object>(recorded: T, before: T, after: T): T {
  const changed = Object.keys(recorded).filter(
    (key) => JSON.stringify(Reflect.get(after, key)) !== JSON.stringify(Reflect.get(before, key)),
  );
  return {
    ...recorded,
    ...Object.fromEntries(changed.map((key) => [key, Reflect.get(after, key)])),
  };
}

function readSetting(given: string): Setting {
  const [, path = "", value = ""] = /^([^=]+)=(.*)$/s.exec(given) ?? [];
  if (path === "")
    throw new UsageError(
      `--set: found ${JSON.stringify(given)}, expected PATH=VALUE such as Containers.CloudVMs.TimeoutIdle=5m`,
    );
  // A daemon would take its default instead (specification §1.3), which is not what was asked.
  if (/^\s*-\s*\d/.test(value))
    throw new UsageError(`--set ${path}: found ${value}, expected 0 or more`);
  return { path, value };
}

function combinations(settings: readonly Setting[]): Setting[][] {
  if (settings.length === 0) return [];
  const byPath = new Map<string, Setting[]>();
  for (const setting of settings)
    byPath.set(setting.path, [...(byPath.get(setting.path) ?? []), setting]);
  let all: Setting[][] = [[]];
  for (const values of byPath.values())
    all = all.flatMap((combination) => values.map((value) => [...combination, value]));
  return all;
}

function apply(cluster: ConfigMap, { path, value }: Setting, { clusterId }: BaseConfig): ConfigMap {
  const prefix = `Clusters.${clusterId}.`;
  const parts = (path.startsWith(prefix) ? path.slice(prefix.length) : path).split(".");
  return mergeOver(cluster, atPath(parts, parseValue(path, value)));
}

function parseValue(path: string, value: string): unknown {
  try {
    return parse(value) as unknown;
  } catch (error) {
    throw new UsageError(`--set ${path}: found ${value}, expected a YAML value`, { cause: error });
  }
}

function lastOf(path: string): string {
  return path.split(".").at(-1) ?? path;
}

function configOf({ name, clusterId, cluster }: BaseConfig): DispatcherConfig {
  const text = JSON.stringify({ Clusters: { [clusterId]: cluster } });
  const loaded = loadConfig(text, { env: {}, sourceName: name, host: readHost() });
  const unknown = loaded.findings.filter(({ message }) => message.includes("unknown config entry"));
  const errors = loaded.findings.filter(({ severity }) => severity === "error");
  const wrong = errors.length > 0 ? errors : unknown;
  if (!loaded.config || wrong.length > 0)
    throw new UsageError([`${name} is not usable:`, ...wrong.map(findingLine)].join("\n  "));
  return dispatcherConfigOf(loaded.config);
}

function dispatcherConfigOf(config: ClusterConfig): DispatcherConfig {
  const nothingSecret = { systemRootToken: "", managementToken: "", privateKey: "", publicKey: "" };
  return dispatcherConfig(config, {
    configHash: "simulated",
    secrets: nothingSecret,
    cloud: { quotaGroup: () => "" },
  });
}
