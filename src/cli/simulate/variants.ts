import { parse } from "yaml";
import type { DispatcherConfig } from "../../actors/dispatcher.ts";
import { isMap, mergeOver, type ConfigMap } from "../../config/document.ts";
import { toEntry } from "../../config/instance-types.ts";
import { loadConfig, type ClusterConfig } from "../../config/load.ts";
import type { Settings } from "../../machines/model/settings.ts";
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
    recorded?: Settings | undefined;
  },
): Variant[] {
  const { sets, others, recorded } = options;
  const plain = configOf(base);
  const adapt = (config: DispatcherConfig): DispatcherConfig =>
    recorded ? { ...config, settings: overlay(recorded, plain.settings, config.settings) } : config;
  const variants: Variant[] = [{ name: base.name, config: adapt(plain), isBase: true }];
  for (const other of others)
    variants.push({ name: other.name, config: adapt(configOf(other)), isBase: false });
  for (const combination of combinations(sets.map(readSetting))) {
    const cluster = combination.reduce((all, setting) => apply(all, setting, base), base.cluster);
    const name = combination.map(({ path, value }) => `${lastOf(path)}=${value}`).join(" ");
    variants.push({ name, config: adapt(configOf({ ...base, cluster })), isBase: false });
  }
  return variants;
}

/** The inside of a cluster that has nothing but a journal's instance types. */
export function baseOfSettings(settings: Settings, name: string): BaseConfig {
  const types = Object.values(settings.instanceTypes).map((type) => [type.name, toEntry(type)]);
  return {
    name,
    clusterId: settings.clusterId,
    cluster: { InstanceTypes: Object.fromEntries(types) as ConfigMap },
  };
}

/** What differs between the two configs, over what was recorded. */
function overlay(recorded: Settings, before: Settings, after: Settings): Settings {
  const changed = Object.entries(after).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key as keyof Settings]),
  );
  return { ...recorded, ...Object.fromEntries(changed) };
}

function readSetting(given: string): Setting {
  const [, path = "", value = ""] = /^([^=]+)=(.*)$/s.exec(given) ?? [];
  if (path === "")
    throw new UsageError(
      `--set: found ${JSON.stringify(given)}, expected PATH=VALUE such as Containers.CloudVMs.TimeoutIdle=5m`,
    );
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
  let inner: unknown = parseValue(path, value);
  for (const part of parts.toReversed()) inner = { [part]: inner };
  if (!isMap(inner)) throw new UsageError(`--set ${path}: expected the path of a key`);
  return mergeOver(cluster, inner);
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
