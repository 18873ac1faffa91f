import { describe, expect, it } from "vitest";
import { recordedCluster } from "../../src/cli/simulate/recorded-cluster.ts";
import { atPath, mergeOver, type ConfigMap } from "../../src/config/document.ts";
import { loadConfig, type ClusterConfig } from "../../src/config/load.ts";
import { inFile } from "../../src/config/setting-keys.ts";
import { toSettings } from "../../src/config/settings.ts";
import {
  PACE,
  paceOf,
  SETTINGS,
  type Pace,
  type Setting,
  type Settings,
} from "../../src/machines/model/settings.ts";

const host = { cpus: 3, ramBytes: 4_000_000_000, tmpBytes: 10_000_000_000 };
const TABLE = Object.entries<Setting>({ ...SETTINGS, ...PACE });

function load(cluster: ConfigMap): ClusterConfig {
  const text = JSON.stringify({ Clusters: { zzzzz: cluster } });
  const { config, findings } = loadConfig(text, { env: {}, sourceName: "test.yml", host });
  if (!config) throw new Error(JSON.stringify(findings));
  return config;
}

/** What core and feeds get of a config. */
function insideOf(cluster: ConfigMap): { settings: Settings; pace: Pace } {
  const config = load(cluster);
  return { settings: toSettings(config, {}), pace: paceOf(config.containers.cloudVMs) };
}

/** In none of the units the same as a default, or below what it may be. */
const changed = ({ fallback }: Setting): number => fallback + 1_000;

function withChanged(setting: Setting): ConfigMap {
  const path = [...setting.section.split("."), setting.key];
  return atPath(path, inFile(setting, changed(setting)));
}

describe("each setting of the tables", () => {
  it("has its default where the file does not say", () => {
    const { settings, pace } = insideOf({});
    const defaults = TABLE.map(([name, { fallback }]) => [name, fallback]);
    expect({ ...settings, ...pace }).toMatchObject(Object.fromEntries(defaults));
  });

  it.each(TABLE)("%s stands in the file at its section and key", (name, setting) => {
    const { settings, pace } = insideOf(withChanged(setting));
    const before = insideOf({});
    expect({ ...settings, ...pace }).toEqual({
      ...before.settings,
      ...before.pace,
      [name]: changed(setting),
    });
  });

  it("comes back from the journal as the file had it, to be changed by a what-if", () => {
    const cluster = TABLE.map(([, setting]) => withChanged(setting)).reduce(mergeOver);
    const InstanceTypes = { small: { VCPUs: 1, RAM: "1GiB", Price: 0.1 } };
    const inside = insideOf({ ...cluster, InstanceTypes });
    expect(insideOf(recordedCluster(inside, "recorded").cluster)).toEqual(inside);
  });
});
