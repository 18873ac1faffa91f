import { atPath, mergeOver, type ConfigMap } from "../../config/document.ts";
import { toEntry } from "../../config/instance-types.ts";
import { inFile } from "../../config/setting-keys.ts";
import {
  PACE,
  SETTINGS,
  type Pace,
  type Setting,
  type Settings,
} from "../../machines/model/settings.ts";
import type { BaseConfig } from "./variants.ts";

/** What a journal says of its dispatcher's config, in the notation of the file: what `--set` changes is seen against it. */
export function recordedCluster(
  { settings, pace }: { readonly settings: Settings; readonly pace: Pace | undefined },
  name: string,
): BaseConfig {
  const types = Object.values(settings.instanceTypes);
  const cluster: ConfigMap = {
    InstanceTypes: Object.fromEntries(types.map((type) => [type.name, toEntry(type)] as const)),
    ...sectionsOf(SETTINGS, settings),
  };
  const whole = pace ? mergeOver(cluster, sectionsOf(PACE, pace)) : cluster;
  return { name, clusterId: settings.clusterId, cluster: whole };
}

/** Each setting of the table in its section. */
function sectionsOf<N extends string>(
  table: Readonly<Record<N, Setting>>,
  values: Readonly<Record<NoInfer<N>, number>>,
): ConfigMap {
  let sections: ConfigMap = {};
  for (const name in table) {
    const { section, key } = table[name];
    const value = inFile(table[name], values[name]);
    sections = mergeOver(sections, atPath([...section.split("."), key], value));
  }
  return sections;
}
