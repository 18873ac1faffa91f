import type { ClusterConfig } from "./load.ts";

/** Structurally the `Settings` of the core: an allow-list, so that no secret can reach the journal. */
export interface CoreSettings {
  clusterId: string;
  instanceTypes: Record<string, ClusterConfig["instanceTypes"][string]>;
  quotaGroups: Record<string, string>;
  maximumPriceFactor: number;
  reserveExtraRam: number;
  localKeepBlobBuffersPerVcpu: number;
  maxInstances: number;
  maxConcurrentInstanceCreateOps: number;
  maxRunningContainersPerInstance: number;
  initialQuotaEstimate: number;
  supervisorFraction: number;
  timeoutIdleMs: number;
  timeoutBootingMs: number;
  timeoutProbeMs: number;
  timeoutShutdownMs: number;
  timeoutSignalMs: number;
  timeoutTermMs: number;
  timeoutStaleRunLockMs: number;
  staleLockTimeoutMs: number;
  timeoutStartMs: number;
  planIntervalMs: number;
}

/** What the core reads of a config; `quotaGroups` is what the cloud driver says of each type by name. */
export function toSettings(
  config: ClusterConfig,
  quotaGroups: Readonly<Record<string, string>>,
): CoreSettings {
  const { containers, dispatchCloud } = config;
  const { cloudVMs } = containers;
  return {
    clusterId: config.id,
    instanceTypes: { ...config.instanceTypes },
    quotaGroups: { ...quotaGroups },
    maximumPriceFactor: containers.maximumPriceFactor,
    reserveExtraRam: containers.reserveExtraRam,
    localKeepBlobBuffersPerVcpu: containers.localKeepBlobBuffersPerVCPU,
    maxInstances: cloudVMs.maxInstances,
    maxConcurrentInstanceCreateOps: cloudVMs.maxConcurrentInstanceCreateOps,
    maxRunningContainersPerInstance: cloudVMs.maxRunningContainersPerInstance,
    initialQuotaEstimate: cloudVMs.initialQuotaEstimate,
    supervisorFraction: cloudVMs.supervisorFraction,
    timeoutIdleMs: cloudVMs.timeoutIdleMs,
    timeoutBootingMs: cloudVMs.timeoutBootingMs,
    timeoutProbeMs: cloudVMs.timeoutProbeMs,
    timeoutShutdownMs: cloudVMs.timeoutShutdownMs,
    timeoutSignalMs: cloudVMs.timeoutSignalMs,
    timeoutTermMs: cloudVMs.timeoutTermMs,
    timeoutStaleRunLockMs: cloudVMs.timeoutStaleRunLockMs,
    staleLockTimeoutMs: containers.staleLockTimeoutMs,
    timeoutStartMs: dispatchCloud.timeoutStartMs,
    planIntervalMs: dispatchCloud.planIntervalMs,
  };
}
