import { numbersOf, type Settings } from "../machines/model/settings.ts";
import type { ClusterConfig } from "./load.ts";

/** What the core reads of a config; `quotaGroups` is what the cloud driver says of each type by name. */
export function toSettings(
  config: ClusterConfig,
  quotaGroups: Readonly<Record<string, string>>,
): Settings {
  const { containers, dispatchCloud } = config;
  return {
    clusterId: config.id,
    instanceTypes: { ...config.instanceTypes },
    quotaGroups: { ...quotaGroups },
    ...numbersOf({ ...dispatchCloud, ...containers, ...containers.cloudVMs }),
  };
}
