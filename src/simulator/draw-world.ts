import type { DispatcherConfig } from "../actors/dispatcher.ts";
import type { ContainerRecord } from "../machines/model/fact.ts";
import { NO_GPU } from "../machines/model/instance-type.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import { DEFAULT_NUMBERS, type Settings } from "../machines/model/settings.ts";
import { chanceFor } from "./chance.ts";
import type { Chance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import { GOOD_VM } from "./simulated-vm.ts";
import type { VmBehavior } from "./simulated-vm.ts";

const GIB = 2 ** 30;
const MINUTE_MS = 60_000;

/** A container of a drawn workload, and when it is submitted, counted from the start of the world. */
export interface DrawnContainer {
  readonly containerId: string;
  readonly submitAfterMs: number;
  readonly record: ContainerRecord;
  readonly durationMs: number;
}

export interface DrawnWorld {
  readonly config: DispatcherConfig;
  readonly containers: readonly DrawnContainer[];
  /** When things stop going wrong, counted from the start. */
  readonly faultsForMs: number;
  readonly latencyMaxMs: number;
  readonly bootMaxMs: number;
}

/** All of a seed's world but its faults: small ones, since what matters shows in a few containers or not at all. */
export function drawWorld(seed: number): DrawnWorld {
  const chance = chanceFor(seed, "world");
  const faultsForMs = chance.between(5, 40) * MINUTE_MS;
  return {
    config: drawConfig(chance),
    containers: Array.from({ length: chance.between(2, 14) }, (_, n) =>
      drawContainer(chance, n + 1, faultsForMs),
    ),
    faultsForMs,
    latencyMaxMs: chance.pick([0, 50, 500, 3_000]) ?? 0,
    bootMaxMs: chance.pick([10_000, 60_000]) ?? 0,
  };
}

function drawContainer(chance: Chance, n: number, spanMs: number): DrawnContainer {
  return {
    containerId: `zzzzz-dz642-${String(n).padStart(15, "0")}`,
    submitAfterMs: chance.happens(0.5) ? 0 : chance.between(0, spanMs),
    durationMs: chance.between(1_000, chance.pick([10_000, 300_000, 1_200_000]) ?? 1_000),
    record: {
      state: "Queued",
      priority: String(chance.between(1, 1_000)),
      createdAtMs: 0,
      supervisor: chance.happens(0.1),
      preemptible: false,
      containerImage: "",
      vcpus: chance.between(1, 4),
      ram: chance.between(1, 4) * (GIB / 2),
      keepCacheRam: 0,
      keepCacheDisk: 0,
      tmpMounts: 0,
      gpu: null,
    },
  };
}

function drawConfig(chance: Chance): DispatcherConfig {
  const pick = (...values: number[]): number => chance.pick(values) ?? 0;
  const settings: Settings = {
    clusterId: "zzzzz",
    instanceTypes: Object.fromEntries([1, 2, 4, 8].map((n) => [`type${n}`, typeOf(n)])),
    quotaGroups: {},
    ...DEFAULT_NUMBERS,
    maximumPriceFactor: chance.happens(0.5) ? 1 : 4,
    reserveExtraRam: 0,
    localKeepBlobBuffersPerVcpu: 0,
    maxInstances: pick(0, 2, 4, 8),
    maxConcurrentInstanceCreateOps: pick(0, 1, 3),
    maxRunningContainersPerInstance: pick(0, 1, 2),
    initialQuotaEstimate: pick(0, 0, 2),
    timeoutIdleMs: pick(5_000, 60_000, 300_000),
    timeoutBootingMs: pick(120_000, 300_000),
    timeoutProbeMs: pick(30_000, 120_000),
    timeoutShutdownMs: pick(5_000, 10_000),
    timeoutTermMs: pick(20_000, 120_000),
    timeoutStartMs: 75_000,
    planIntervalMs: pick(20, 1_000),
  };
  return {
    settings,
    configHash: "simulated",
    version: "simulated",
    instanceSetId: "set",
    tagKeyPrefix: "",
    imageId: "",
    initCommand: "",
    publicKey: null,
    bootProbeCommand: "true",
    crunchRunCommand: "crunch-run",
    deployDirectory: "",
    runtimeEngine: "docker",
    extraArguments: [],
    pollIntervalMs: pick(5_000, 10_000),
    probeIntervalMs: pick(5_000, 10_000),
    maxProbesPerSecond: 10,
    syncIntervalMs: pick(30_000, 60_000),
    cloudTimeoutMs: 60_000,
    queueTimeoutMs: 30_000,
    commandTimeoutMs: 20_000,
    checkpointRecords: pick(50, 1_000),
  };
}

/** As edited by somebody, who may take a type away, or all but the smallest, and change prices. */
export function redrawConfig(chance: Chance): DispatcherConfig {
  const config = drawConfig(chance);
  const types = Object.values(config.settings.instanceTypes);
  const gone = chance.between(0, types.length);
  const kept = chance.happens(0.3)
    ? types.slice(0, Math.max(1, gone))
    : types.filter((_, at) => at !== gone);
  const instanceTypes = kept.map(
    (type) => [type.name, { ...type, price: type.price * chance.between(1, 3) }] as const,
  );
  const settings = { ...config.settings, instanceTypes: Object.fromEntries(instanceTypes) };
  return { ...config, settings, configHash: `simulated ${chance.between(0, 1_000_000)}` };
}

function typeOf(n: number): InstanceType {
  return {
    name: `type${n}`,
    providerType: `vm.${n}`,
    vcpus: n,
    ram: n * GIB,
    includedScratch: n * 10 * GIB,
    addedScratch: 0,
    scratch: n * 10 * GIB,
    price: n * 0.1,
    preemptible: false,
    gpu: NO_GPU,
  };
}

/** How a VM of that world behaves. */
export function drawBehavior(faults: Faults, nowMs: number, bootMaxMs: number, chance: Chance) {
  const within = (kind: Parameters<Faults["chance"]>[0], spanMs: number): number =>
    faults.chance(kind).between(0, spanMs);
  const happens = (kind: Parameters<Faults["happens"]>[0]): boolean => faults.happens(kind);
  const behavior: VmBehavior = {
    ...GOOD_VM,
    bootedAtMs: nowMs + chance.between(5_000, bootMaxMs),
    detachDelayMs: chance.between(0, 500),
  };
  const LIFE_MS = 15 * MINUTE_MS;
  if (happens("bootsSlowly")) behavior.bootedAtMs = nowMs + within("bootsSlowly", LIFE_MS);
  if (happens("neverBoots")) behavior.bootedAtMs = Infinity;
  if (happens("deafForAWhile")) {
    behavior.deafFromMs = nowMs + within("deafForAWhile", LIFE_MS);
    behavior.deafUntilMs = behavior.deafFromMs + within("deafForAWhile", 5 * MINUTE_MS);
  }
  if (happens("deaf")) {
    behavior.deafFromMs = nowMs + within("deaf", LIFE_MS);
    behavior.deafUntilMs = Infinity;
  }
  if (happens("hostKeyChange"))
    behavior.hostKeyChangesAtMs = nowMs + within("hostKeyChange", LIFE_MS);
  if (happens("bootProbeFails"))
    behavior.unfitFromMs = nowMs + within("bootProbeFails", LIFE_MS / 3);
  if (happens("noRunner")) behavior.hasRunner = false;
  if (happens("reportsBroken")) behavior.brokenFromMs = nowMs + within("reportsBroken", LIFE_MS);
  if (happens("overlongList")) behavior.overlongFromMs = nowMs + within("overlongList", LIFE_MS);
  if (happens("detachesLate")) behavior.detachDelayMs = within("detachesLate", 60_000);
  if (happens("reportsTwice")) behavior.reportsTwice = true;
  if (happens("unkillable")) behavior.stubborn = true;
  if (happens("runnerDies")) behavior.crashProbability = 0.3;
  if (happens("runnerDiesLocked")) {
    behavior.crashProbability = 0.3;
    behavior.deadlockProbability = 0.5;
  }
  return behavior;
}
