import { stringify } from "yaml";
import type { ConfigDocument } from "./load.ts";
import { hideSecrets } from "./secrets.ts";

/** The config as it is in effect, defaults filled in, as YAML that can be loaded again (with `secrets: "show"`). */
export function dumpConfig(
  document: ConfigDocument,
  options: { secrets: "hide" | "show" } = { secrets: "hide" },
): string {
  const cluster = options.secrets === "hide" ? hideSecrets(document.cluster) : document.cluster;
  return stringify(
    { Clusters: { [document.clusterId]: cluster } },
    { version: "1.1", lineWidth: 0 },
  );
}
