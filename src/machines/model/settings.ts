import { z } from "zod";
import { mapValues } from "./map-values.ts";

/** What a number of the configuration is here. How the file writes it is for the config to say. */
const UNITS = {
  /** A decimal number. */
  factor: z.number(),
  count: z.int(),
  /** Like `count`; what is below 1 stands for the fallback. */
  countOrDefault: z.int(),
  bytes: z.int(),
  /** Milliseconds; what is below 0 counts as 0. */
  span: z.number().min(0),
  /** Milliseconds; what is not above 0 stands for the fallback (specification §1.3, pool fallbacks). */
  spanOrDefault: z.number().min(0),
  /** Milliseconds; what is not above 0 is refused. */
  interval: z.number().min(0),
};

/** All that is known of a number that the configuration gives to core or feeds. */
export interface Setting {
  /** Within `Clusters.<id>`. */
  readonly section: "Containers" | "Containers.CloudVMs" | "DispatchCloud";
  /** Its name there. Here it goes by the table's own. */
  readonly key: string;
  readonly unit: keyof typeof UNITS;
  /** In milliseconds or bytes. */
  readonly fallback: number;
  /** For who writes the file. */
  readonly about?: string;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const MIB = 2 ** 20;

const containers = { section: "Containers" } as const;
const cloudVMs = { section: "Containers.CloudVMs" } as const;
const dispatchCloud = { section: "DispatchCloud" } as const;
const pool = { ...cloudVMs, unit: "spanOrDefault" } as const;
const limit = { ...cloudVMs, unit: "count" } as const;

/**
 * The numbers that the core reads, in the order in which the journal has them: section, check, default, core and what-if
 * go by this table. The file is read once, at the daemon's start, so a new value is in effect from the next start on; since
 * the journal holds all of them, a what-if (`simulate --from … --set`) may change each.
 */
export const SETTINGS = {
  maximumPriceFactor: {
    ...containers,
    key: "MaximumPriceFactor",
    unit: "factor",
    fallback: 1.5,
    about: "Price ceiling of eligible types; below 1 acts as 1",
  },
  reserveExtraRam: { ...containers, key: "ReserveExtraRAM", unit: "bytes", fallback: 550 * MIB },
  localKeepBlobBuffersPerVcpu: {
    ...containers,
    key: "LocalKeepBlobBuffersPerVCPU",
    unit: "count",
    fallback: 1,
  },
  maxInstances: { ...limit, key: "MaxInstances", fallback: 64, about: "0: no limit" },
  maxConcurrentInstanceCreateOps: {
    ...limit,
    key: "MaxConcurrentInstanceCreateOps",
    fallback: 1,
    about: "0: no limit",
  },
  maxRunningContainersPerInstance: {
    ...limit,
    key: "MaxRunningContainersPerInstance",
    fallback: 0,
    about: "0: as many as fit",
  },
  initialQuotaEstimate: {
    ...limit,
    key: "InitialQuotaEstimate",
    fallback: 0,
    about: "0: MaxInstances",
  },
  supervisorFraction: {
    ...cloudVMs,
    key: "SupervisorFraction",
    unit: "factor",
    fallback: 0.5,
    about: "0: no limit",
  },
  timeoutIdleMs: { ...pool, key: "TimeoutIdle", fallback: MINUTE_MS },
  timeoutBootingMs: { ...pool, key: "TimeoutBooting", fallback: 10 * MINUTE_MS },
  timeoutProbeMs: { ...pool, key: "TimeoutProbe", fallback: 10 * MINUTE_MS },
  timeoutShutdownMs: { ...pool, key: "TimeoutShutdown", fallback: 10 * SECOND_MS },
  timeoutSignalMs: {
    ...pool,
    key: "TimeoutSignal",
    fallback: 5 * SECOND_MS,
    about: "Between two SIGTERMs",
  },
  timeoutTermMs: {
    ...pool,
    key: "TimeoutTERM",
    fallback: 2 * MINUTE_MS,
    about: "Then the VM is drained",
  },
  timeoutStaleRunLockMs: { ...pool, key: "TimeoutStaleRunLock", fallback: 5 * SECOND_MS },
  staleLockTimeoutMs: {
    ...containers,
    key: "StaleLockTimeout",
    unit: "span",
    fallback: MINUTE_MS,
  },
  timeoutStartMs: {
    ...dispatchCloud,
    key: "TimeoutStart",
    unit: "interval",
    fallback: 15 * SECOND_MS,
    about: "How long a start without answer may still turn up",
  },
  planIntervalMs: {
    ...dispatchCloud,
    key: "PlanInterval",
    unit: "interval",
    fallback: 20,
    about: "Pause between two runs of the planner",
  },
} as const satisfies Readonly<Record<string, Setting>>;

/**
 * How often the feeds look. The core does not read it; it stands in the journal for who simulates what was recorded, and
 * may change it then.
 */
export const PACE = {
  pollIntervalMs: {
    ...cloudVMs,
    key: "PollInterval",
    unit: "interval",
    fallback: 10 * SECOND_MS,
    about: "Between two polls of the queue",
  },
  probeIntervalMs: { ...pool, key: "ProbeInterval", fallback: 10 * SECOND_MS },
  maxProbesPerSecond: {
    ...cloudVMs,
    key: "MaxProbesPerSecond",
    unit: "countOrDefault",
    fallback: 10,
    about: "Below 1 means 10",
  },
  syncIntervalMs: {
    ...pool,
    key: "SyncInterval",
    fallback: MINUTE_MS,
    about: "Between two lists of the cloud's instances",
  },
} as const satisfies Readonly<Record<string, Setting>>;

const gpuSchema = z.object({
  stack: z.string(),
  driverVersion: z.string(),
  hardwareTarget: z.string(),
  deviceCount: z.int(),
  vram: z.int(),
});

const instanceTypeSchema = z.object({
  name: z.string(),
  providerType: z.string(),
  vcpus: z.int(),
  ram: z.int(),
  includedScratch: z.int(),
  addedScratch: z.int(),
  scratch: z.int(),
  price: z.number(),
  preemptible: z.boolean(),
  gpu: gpuSchema,
});

const unitSchema = ({ unit }: Setting): z.ZodNumber => UNITS[unit];

/**
 * What the core reads of the configuration: an allow-list, so that no secret can reach the journal. It enters the core as
 * the fact `config.loaded`.
 */
export const settingsSchema = z.object({
  clusterId: z.string(),
  instanceTypes: z.record(z.string(), instanceTypeSchema),
  /** Quota group of each instance type by name, as the driver says (specification §9.1); "" where all share one. */
  quotaGroups: z.record(z.string(), z.string()),
  ...mapValues(SETTINGS, unitSchema),
});
export type Settings = z.infer<typeof settingsSchema>;

export const paceSchema = z.object(mapValues(PACE, unitSchema));
export type Pace = z.infer<typeof paceSchema>;

/** The numbers of the settings. */
export type SettingNumbers = Readonly<Record<keyof typeof SETTINGS, number>>;

export const DEFAULT_NUMBERS: SettingNumbers = mapValues(SETTINGS, ({ fallback }) => fallback);

/** The settings' numbers, in the table's order, of an object that has more. */
export function numbersOf(from: SettingNumbers): SettingNumbers {
  return mapValues(SETTINGS, (_setting, name) => from[name]);
}

export function paceOf(from: Pace): Pace {
  return mapValues(PACE, (_setting, name) => from[name]);
}

/** Fixed constants of specification §1.3. */
export const QUOTA_HOLD_MS = 60_000;
export const CAPACITY_HOLD_MS = 60_000;
export const CREATE_CONCURRENCY_HOLD_MS = 5_000;
export const QUIET_AFTER_503_MS = 60_000;
