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
  readonly about?: string | undefined;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const MIB = 2 ** 20;

/** Makes rows of a section in one unit. */
function rows<S extends Setting["section"]>(section: S, unit: Setting["unit"]) {
  return (key: string, fallback: number, about?: string): Setting & { readonly section: S } => ({
    section,
    unit,
    key,
    fallback,
    about,
  });
}

const limit = rows("Containers.CloudVMs", "count");
const timeout = rows("Containers.CloudVMs", "spanOrDefault");
const share = rows("Containers.CloudVMs", "factor");
const pause = rows("Containers.CloudVMs", "interval");
const rate = rows("Containers.CloudVMs", "countOrDefault");
const priceFactor = rows("Containers", "factor");
const size = rows("Containers", "bytes");
const number = rows("Containers", "count");
const lockTimeout = rows("Containers", "span");
const own = rows("DispatchCloud", "interval");

/**
 * The numbers that the core reads, in the order in which the journal has them: section, check, default, core and what-if
 * go by this table. The file is read once, at the daemon's start, so a new value is in effect from the next start on; since
 * the journal holds all of them, a what-if (`simulate --from … --set`) may change each.
 */
export const SETTINGS = {
  maximumPriceFactor: priceFactor(
    "MaximumPriceFactor",
    1.5,
    "Price ceiling of eligible types; below 1 acts as 1",
  ),
  reserveExtraRam: size("ReserveExtraRAM", 550 * MIB),
  localKeepBlobBuffersPerVcpu: number("LocalKeepBlobBuffersPerVCPU", 1),
  maxInstances: limit("MaxInstances", 64, "0: no limit"),
  maxConcurrentInstanceCreateOps: limit("MaxConcurrentInstanceCreateOps", 1, "0: no limit"),
  maxRunningContainersPerInstance: limit("MaxRunningContainersPerInstance", 0, "0: as many as fit"),
  initialQuotaEstimate: limit("InitialQuotaEstimate", 0, "0: MaxInstances"),
  supervisorFraction: share("SupervisorFraction", 0.5, "0: no limit"),
  timeoutIdleMs: timeout("TimeoutIdle", MINUTE_MS),
  timeoutBootingMs: timeout("TimeoutBooting", 10 * MINUTE_MS),
  timeoutProbeMs: timeout("TimeoutProbe", 10 * MINUTE_MS),
  timeoutShutdownMs: timeout("TimeoutShutdown", 10 * SECOND_MS),
  timeoutSignalMs: timeout("TimeoutSignal", 5 * SECOND_MS, "Between two SIGTERMs"),
  timeoutTermMs: timeout("TimeoutTERM", 2 * MINUTE_MS, "Then the VM is drained"),
  timeoutStaleRunLockMs: timeout("TimeoutStaleRunLock", 5 * SECOND_MS),
  staleLockTimeoutMs: lockTimeout("StaleLockTimeout", MINUTE_MS),
  timeoutStartMs: own(
    "TimeoutStart",
    15 * SECOND_MS,
    "How long a start without answer may still turn up",
  ),
  planIntervalMs: own("PlanInterval", 20, "Pause between two runs of the planner"),
};

/**
 * How often the feeds look. The core does not read it; it stands in the journal for who simulates what was recorded, and
 * may change it then.
 */
export const PACE = {
  pollIntervalMs: pause("PollInterval", 10 * SECOND_MS, "Between two polls of the queue"),
  probeIntervalMs: timeout("ProbeInterval", 10 * SECOND_MS),
  maxProbesPerSecond: rate("MaxProbesPerSecond", 10, "Below 1 means 10"),
  syncIntervalMs: timeout("SyncInterval", MINUTE_MS, "Between two lists of the cloud's instances"),
};

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
