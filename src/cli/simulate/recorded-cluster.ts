import type { ConfigMap } from "../../config/document.ts";
import { formatDuration } from "../../config/duration.ts";
import { toEntry } from "../../config/instance-types.ts";
import type { Pace } from "../../machines/model/fact.ts";
import type { Settings } from "../../machines/model/settings.ts";
import type { BaseConfig } from "./variants.ts";

/** What a journal says of its dispatcher's config, in the notation of the file: what `--set` changes is seen against it. */
export function recordedCluster(
  { settings, pace }: { readonly settings: Settings; readonly pace: Pace | undefined },
  name: string,
): BaseConfig {
  const types = Object.values(settings.instanceTypes).map((type) => [type.name, toEntry(type)]);
  const cluster = {
    InstanceTypes: Object.fromEntries(types) as ConfigMap,
    Containers: {
      MaximumPriceFactor: settings.maximumPriceFactor,
      ReserveExtraRAM: settings.reserveExtraRam,
      LocalKeepBlobBuffersPerVCPU: settings.localKeepBlobBuffersPerVcpu,
      StaleLockTimeout: formatDuration(settings.staleLockTimeoutMs),
      CloudVMs: { ...limitsOf(settings), ...timeoutsOf(settings), ...(pace ? paceOf(pace) : {}) },
    },
    DispatchCloud: {
      TimeoutStart: formatDuration(settings.timeoutStartMs),
      PlanInterval: formatDuration(settings.planIntervalMs),
    },
  };
  return { name, clusterId: settings.clusterId, cluster };
}

function limitsOf(settings: Settings): ConfigMap {
  return {
    MaxInstances: settings.maxInstances,
    MaxConcurrentInstanceCreateOps: settings.maxConcurrentInstanceCreateOps,
    MaxRunningContainersPerInstance: settings.maxRunningContainersPerInstance,
    InitialQuotaEstimate: settings.initialQuotaEstimate,
    SupervisorFraction: settings.supervisorFraction,
  };
}

function timeoutsOf(settings: Settings): ConfigMap {
  return {
    TimeoutIdle: formatDuration(settings.timeoutIdleMs),
    TimeoutBooting: formatDuration(settings.timeoutBootingMs),
    TimeoutProbe: formatDuration(settings.timeoutProbeMs),
    TimeoutShutdown: formatDuration(settings.timeoutShutdownMs),
    TimeoutSignal: formatDuration(settings.timeoutSignalMs),
    TimeoutTERM: formatDuration(settings.timeoutTermMs),
    TimeoutStaleRunLock: formatDuration(settings.timeoutStaleRunLockMs),
  };
}

function paceOf(pace: Pace): ConfigMap {
  return {
    PollInterval: formatDuration(pace.pollIntervalMs),
    ProbeInterval: formatDuration(pace.probeIntervalMs),
    MaxProbesPerSecond: pace.maxProbesPerSecond,
    SyncInterval: formatDuration(pace.syncIntervalMs),
  };
}
