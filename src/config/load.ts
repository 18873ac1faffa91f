import { createHash } from "node:crypto";
import { clusterSchema, type ParsedCluster } from "./cluster.section.ts";
import { dropNulls, isMap, mergeOver, readDocument, type ConfigMap } from "./document.ts";
import { applyEnvironment, type Environment } from "./environment.ts";
import { error, hasErrors, warning, type Finding } from "./finding.ts";
import { completeInstanceTypes, toEntry, type Host, type InstanceType } from "./instance-types.ts";
import { otherKeys } from "./other-keys.ts";
import { findingsOf } from "./problems.ts";
import { chooseRunner } from "./runner-binary.ts";
import { defaultsOf } from "./schema-walk.ts";
import { dropUnknown } from "./unknown-keys.ts";
import { validateCluster } from "./validate.ts";

/** One cluster's settings: the keys of the file in camelCase, spans in milliseconds (`…Ms`), sizes in bytes. */
export interface ClusterConfig extends Omit<ParsedCluster, "instanceTypes"> {
  /** Five letters or digits. */
  readonly id: string;
  readonly instanceTypes: Readonly<Record<string, InstanceType>>;
}

/** The cluster in the notation of the file, with defaults and computed entries; keys of other components as given. */
export interface ConfigDocument {
  readonly clusterId: string;
  readonly cluster: ConfigMap;
}

export interface LoadOptions {
  readonly env: Environment;
  /** For messages: a path, or `standard input`. */
  readonly sourceName: string;
  readonly host: Host;
}

export interface LoadResult {
  /** Undefined if there is any error among the findings. */
  readonly config: ClusterConfig | undefined;
  readonly document: ConfigDocument | undefined;
  readonly findings: readonly Finding[];
}

const TOP_LEVEL = new Set(["Clusters", "AutoReloadConfig", "SourceTimestamp", "SourceSHA256"]);
const CLUSTER_ID = /^[a-z0-9]{5}$/;
const BAD_CLUSTER_ID = "cluster ID should be 5 lowercase alphanumeric characters";

/** Hex SHA-256 of the file's bytes: the label of the config metrics. */
export function configSha256(source: string | Buffer): string {
  return createHash("sha256").update(source).digest("hex");
}

/** Reads, merges with the defaults and checks a config (specification §1); all findings at once. */
export function loadConfig(text: string, options: LoadOptions): LoadResult {
  const { root, findings } = readDocument(text, options.sourceName);
  if (!root) return { config: undefined, document: undefined, findings };
  for (const key of Object.keys(root).filter((name) => !TOP_LEVEL.has(name))) {
    const place = key || '""';
    findings.push(warning(place, `deprecated or unknown config entry: ${place}`));
  }
  const chosen = chooseCluster(root, options.sourceName, findings);
  if (!chosen) return { config: undefined, document: undefined, findings };

  const prefix = `Clusters.${chosen.id}`;
  const known = dropUnknown(dropNulls(chosen.site), [clusterSchema, otherKeys], prefix);
  const defaults = defaultsOf(clusterSchema) as ConfigMap;
  const cluster = mergeOver(defaults, known.value);
  findings.push(...known.findings, ...checkRemoteIds(cluster, prefix));
  findings.push(...validateCluster(cluster, prefix));

  const parsed = clusterSchema.safeParse(cluster);
  if (!parsed.success) {
    findings.push(...findingsOf(parsed.error.issues, cluster, prefix));
    return { config: undefined, document: undefined, findings };
  }
  const { cluster: filled, findings: ofEnv } = applyEnvironment(
    chooseRunner(parsed.data),
    options.env,
    prefix,
  );
  const { types, findings: ofTypes } = completeInstanceTypes(filled, options.host, prefix);
  findings.push(...ofEnv, ...ofTypes);
  if (hasErrors(findings)) return { config: undefined, document: undefined, findings };
  const config = { ...filled, id: chosen.id, instanceTypes: types };
  return {
    config,
    document: { clusterId: chosen.id, cluster: effective(cluster, config) },
    findings,
  };
}

function chooseCluster(
  root: ConfigMap,
  sourceName: string,
  findings: Finding[],
): { id: string; site: ConfigMap } | undefined {
  const clusters = root["Clusters"] ?? {};
  if (!isMap(clusters)) {
    findings.push(
      error("Clusters", `${sourceName}: Clusters: expected a map from ids to clusters`),
    );
    return undefined;
  }
  const ids = Object.keys(clusters);
  for (const id of ids.filter((name) => !CLUSTER_ID.test(name))) {
    findings.push(error(`Clusters.${id}`, `Clusters.${id}: ${BAD_CLUSTER_ID}`));
  }
  const [id] = ids;
  if (id === undefined) {
    findings.push(error("Clusters", `${sourceName}: config does not define any clusters`));
    return undefined;
  }
  if (ids.length > 1) {
    const list = ids.join(", ");
    const message = `multiple clusters configured, cannot choose: ${list}`;
    findings.push(error("Clusters", `${sourceName}: ${message}`));
    return undefined;
  }
  const site = clusters[id] ?? {};
  if (isMap(site)) return { id, site };
  findings.push(error(`Clusters.${id}`, `Clusters.${id}: expected a map`));
  return undefined;
}

function checkRemoteIds(cluster: ConfigMap, prefix: string): Finding[] {
  const remotes = cluster["RemoteClusters"];
  if (!isMap(remotes)) return [];
  return Object.keys(remotes)
    .filter((id) => id !== "*" && !CLUSTER_ID.test(id))
    .map((id) => {
      const place = `${prefix}.RemoteClusters.${id}`;
      return error(place, `${place}: ${BAD_CLUSTER_ID}`);
    });
}

/** What was filled in after the merge, in the notation of the file. */
function effective(cluster: ConfigMap, config: ClusterConfig): ConfigMap {
  const types = Object.entries(config.instanceTypes).map(([name, type]) => [name, toEntry(type)]);
  return mergeOver(cluster, {
    SystemRootToken: config.systemRootToken,
    Services: { Controller: { ExternalURL: config.services.controller.externalURL } },
    TLS: { Insecure: config.tls.insecure },
    InstanceTypes: Object.fromEntries(types) as ConfigMap,
  });
}
