import { z } from "zod";

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

const ms = z.number().min(0);

/**
 * The keys of the configuration that the core reads: an allow-list, so that no secret can reach the journal. It enters
 * the core as the fact `config.loaded`. Spans are milliseconds, sizes bytes; 0 means "no limit" where the spec says so.
 */
export const settingsSchema = z.object({
  clusterId: z.string(),
  instanceTypes: z.record(z.string(), instanceTypeSchema),
  /** Quota group of each instance type by name, as the driver says (specification §9.1); "" where all share one. */
  quotaGroups: z.record(z.string(), z.string()),
  maximumPriceFactor: z.number(),
  reserveExtraRam: z.int(),
  localKeepBlobBuffersPerVcpu: z.int(),
  maxInstances: z.int(),
  maxConcurrentInstanceCreateOps: z.int(),
  maxRunningContainersPerInstance: z.int(),
  initialQuotaEstimate: z.int(),
  supervisorFraction: z.number(),
  timeoutIdleMs: ms,
  timeoutBootingMs: ms,
  timeoutProbeMs: ms,
  timeoutShutdownMs: ms,
  timeoutSignalMs: ms,
  timeoutTermMs: ms,
  timeoutStaleRunLockMs: ms,
  staleLockTimeoutMs: ms,
  /** How long a start whose outcome is unknown (crash, time-out) may still turn into a process. */
  timeoutStartMs: ms,
  /** Pause between two runs of the planner. */
  planIntervalMs: ms,
});

export type Settings = z.infer<typeof settingsSchema>;

/** Fixed constants of specification §1.3. */
export const QUOTA_HOLD_MS = 60_000;
export const CAPACITY_HOLD_MS = 60_000;
export const CREATE_CONCURRENCY_HOLD_MS = 5_000;
export const QUIET_AFTER_503_MS = 60_000;
