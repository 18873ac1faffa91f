import type { InstanceType } from "../../src/machines/model/instance-type.ts";
import { NO_GPU } from "../../src/machines/model/instance-type.ts";
import { DEFAULT_NUMBERS, type Settings } from "../../src/machines/model/settings.ts";
import type { DispatcherConfig } from "../../src/actors/dispatcher.ts";

const GIB = 2 ** 30;

/** `type<n>` as the scenarios have it: n VCPUs, n × 1.1 GiB, n × $0.123. */
export function instanceType(n: number): InstanceType {
  return {
    name: `type${n}`,
    providerType: `providertype${n}`,
    vcpus: n,
    ram: Math.floor(n * 1.1 * GIB),
    includedScratch: n * GIB,
    addedScratch: 0,
    scratch: n * GIB,
    price: n * 0.123,
    preemptible: false,
    gpu: NO_GPU,
  };
}

export function settings(changes: Partial<Settings> = {}): Settings {
  const types = [1, 2, 3, 4, 6, 8, 16].map(instanceType);
  return {
    clusterId: "zzzzz",
    instanceTypes: Object.fromEntries(types.map((type) => [type.name, type])),
    quotaGroups: {},
    ...DEFAULT_NUMBERS,
    reserveExtraRam: 0,
    localKeepBlobBuffersPerVcpu: 0,
    maxInstances: 0,
    maxConcurrentInstanceCreateOps: 0,
    ...changes,
  };
}

export function dispatcherConfig(
  changes: Partial<Omit<DispatcherConfig, "settings">> & { settings?: Partial<Settings> } = {},
): DispatcherConfig {
  return {
    configHash: "hash",
    version: "test",
    instanceSetId: "set",
    tagKeyPrefix: "test:",
    imageId: "",
    initCommand: "",
    publicKey: null,
    bootProbeCommand: "true",
    crunchRunCommand: "crunch-run",
    deployDirectory: "",
    runtimeEngine: "stub",
    extraArguments: [],
    pollIntervalMs: 10_000,
    probeIntervalMs: 10_000,
    maxProbesPerSecond: 1000,
    syncIntervalMs: 60_000,
    cloudTimeoutMs: 300_000,
    queueTimeoutMs: 30_000,
    commandTimeoutMs: 60_000,
    checkpointRecords: 200,
    ...changes,
    settings: settings(changes.settings),
  };
}
