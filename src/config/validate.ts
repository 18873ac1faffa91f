import { isMap, valueAt, type ConfigMap } from "./document.ts";
import { error, warning, type Finding } from "./finding.ts";

const TOKENS = [["SystemRootToken"], ["ManagementToken"], ["Collections", "BlobSigningKey"]];
const TOKEN_LENGTH_MIN = 32;

/** Checks that span several keys, or keys of other components (specification §1.1). Types are checked elsewhere. */
export function validateCluster(cluster: ConfigMap, prefix: string): Finding[] {
  return [
    ...checkTokens(cluster, prefix),
    ...checkConnectionKeys(cluster, prefix),
    ...checkListenUrls(cluster, prefix),
    ...checkStorageClasses(cluster, prefix),
    ...checkKeepBuffers(cluster, prefix),
  ];
}

function checkTokens(cluster: ConfigMap, prefix: string): Finding[] {
  const embedded = valueAt(cluster, ["DispatchCloud", "Queue", "Driver"]) === "embedded";
  return TOKENS.flatMap((path) => {
    const place = [prefix, ...path].join(".");
    const token = valueAt(cluster, path) ?? "";
    if (typeof token !== "string") return [];
    if (token === "") {
      // With the embedded queue the daemon makes its own; a signing key is Keep's business.
      if (embedded || path.length > 1) return [];
      return [
        warning(place, `${place}: secret token is not set (use 32+ random letters and digits)`),
      ];
    }
    if (/[^a-zA-Z0-9]/.test(token)) {
      const message = "unacceptable characters in token (only a-z, A-Z and 0-9 are allowed)";
      return [error(place, `${place}: ${message}`)];
    }
    if (token.length >= TOKEN_LENGTH_MIN) return [];
    return [warning(place, `${place}: token is too short (use 32+ random letters and digits)`)];
  });
}

/** libpq's keywords are lower case: two spellings of one would hide each other. */
function checkConnectionKeys(cluster: ConfigMap, prefix: string): Finding[] {
  const connection = valueAt(cluster, ["PostgreSQL", "Connection"]);
  if (!isMap(connection)) return [];
  const place = `${prefix}.PostgreSQL.Connection`;
  const keys = Object.keys(connection);
  return [...new Set(keys.map((key) => key.toLowerCase()))].flatMap((lower) => {
    const same = keys.filter((key) => key.toLowerCase() === lower);
    if (same.length < 2) return [];
    const names = same.map((key) => `"${key}"`).join(", ");
    return [
      error(place, `${place}: multiple entries for "${lower}" (${names}): use lower case only`),
    ];
  });
}

function checkListenUrls(cluster: ConfigMap, prefix: string): Finding[] {
  const urls = valueAt(cluster, ["Services", "DispatchCloud", "InternalURLs"]);
  if (!isMap(urls)) return [];
  return Object.keys(urls)
    .filter((url) => Object.hasOwn(urls, `${url}/`))
    .map((url) => {
      const place = `${prefix}.Services.DispatchCloud.InternalURLs.${url}`;
      return warning(place, `${place}: stands there twice, with and without a final slash`);
    });
}

function checkStorageClasses(cluster: ConfigMap, prefix: string): Finding[] {
  const findings: Finding[] = [];
  const volumes = mapAt(cluster, "Volumes");
  const classes = mapAt(cluster, "StorageClasses", { default: { Default: true } });
  const offered = new Set<string>();
  for (const [id, volume] of Object.entries(volumes)) {
    const place = `${prefix}.Volumes.${id}`;
    const own = isMap(volume) ? Object.keys(mapAt(volume, "StorageClasses")) : [];
    if (own.length === 0) {
      findings.push(error(place, `${place}: volume has no StorageClasses listed`));
    }
    for (const name of own) {
      offered.add(name);
      if (Object.hasOwn(classes, name)) continue;
      const message = `volume refers to storage class "${name}", which StorageClasses does not define`;
      findings.push(error(place, `${place}: ${message}`));
    }
  }
  const place = `${prefix}.StorageClasses`;
  for (const name of Object.keys(classes)) {
    if (offered.has(name) || Object.keys(volumes).length === 0) continue;
    findings.push(warning(place, `${place}: there is no volume with the class "${name}"`));
  }
  if (!Object.values(classes).some((entry) => isMap(entry) && entry["Default"] === true)) {
    const message = "there is no default storage class (one entry must have Default: true)";
    findings.push(error(place, `${place}: ${message}`));
  }
  return findings;
}

function checkKeepBuffers(cluster: ConfigMap, prefix: string): Finding[] {
  const place = `${prefix}.Containers.LocalKeepBlobBuffersPerVCPU`;
  const buffers = valueAt(cluster, ["Containers", "LocalKeepBlobBuffersPerVCPU"]);
  if (typeof buffers !== "number" || buffers <= 0) return [];
  const replication = valueAt(cluster, ["Collections", "DefaultReplication"]) ?? 2;
  for (const [id, volume] of Object.entries(mapAt(cluster, "Volumes"))) {
    if (!isMap(volume)) continue;
    const own = volume["Replication"] ?? 0;
    const perHost = Object.keys(mapAt(volume, "AccessViaHosts")).length > 0;
    const lower =
      volume["ReadOnly"] !== true &&
      typeof own === "number" &&
      typeof replication === "number" &&
      own < replication;
    if (!perHost && !lower) continue;
    const why = perHost ? "uses AccessViaHosts" : "has a lower replication than DefaultReplication";
    const message = `is ${buffers} but will not be used, because volume ${id} ${why}; 0 would say so`;
    return [warning(place, `${place}: ${message}`)];
  }
  return [];
}

function mapAt(parent: ConfigMap, key: string, fallback: ConfigMap = {}): ConfigMap {
  const value = parent[key];
  return isMap(value) ? value : fallback;
}
