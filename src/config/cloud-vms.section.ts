import {
  count,
  decimal,
  durationOrDefault,
  flag,
  freeMap,
  interval,
  section,
  text,
  textMap,
  wholeNumber,
} from "./fields.ts";

const DEFAULT_PROBES_PER_SECOND = 10;
const OWN_PROGRAM = "/proc/self/exe";

/**
 * The default means "this program" to the original, which is its own crunch-run. Here it would be Node, so it stands for
 * the installed original; on this machine (loopback) the runner need not be copied (specification §17.1).
 */
function runnerBinary(configured: string, driver: string): string {
  if (configured !== OWN_PROGRAM) return configured;
  return driver === "loopback" ? "" : "/usr/bin/arvados-server";
}

/** `Clusters.<id>.Containers.CloudVMs` (specification §1.3). */
export const cloudVMs = section({
  Enable: flag(false).describe("Not read by the daemon; adds the loopback driver's implicit type"),
  SSHPort: text("22").describe("Where the instance's address has none"),
  PollInterval: interval("10s").describe("Between two polls of the queue"),
  BootProbeCommand: text("systemctl is-system-running").describe("Exits 0 when the VM has booted"),
  ProbeInterval: durationOrDefault("10s"),
  MaxProbesPerSecond: wholeNumber(DEFAULT_PROBES_PER_SECOND).describe("Below 1 means 10"),
  TimeoutSignal: durationOrDefault("5s").describe("Between two SIGTERMs"),
  TimeoutTERM: durationOrDefault("2m").describe("Then the VM is drained"),
  TimeoutStaleRunLock: durationOrDefault("5s"),
  MaxCloudOpsPerSecond: count(10).describe("0: no limit"),
  MaxConcurrentInstanceCreateOps: count(1).describe("0: no limit"),
  MaxInstances: count(64).describe("0: no limit"),
  MaxRunningContainersPerInstance: count(0).describe("0: as many as fit"),
  InitialQuotaEstimate: count(0).describe("0: MaxInstances"),
  SupervisorFraction: decimal(0.5).describe("0: no limit"),
  SyncInterval: durationOrDefault("1m").describe("Between two lists of the cloud's instances"),
  TimeoutIdle: durationOrDefault("1m"),
  TimeoutBooting: durationOrDefault("10m"),
  TimeoutProbe: durationOrDefault("10m"),
  TimeoutShutdown: durationOrDefault("10s"),
  ImageID: text(""),
  InstanceInitCommand: text("").describe("Shell text for the first boot"),
  DeployRunnerBinary: text(OWN_PROGRAM).describe(
    'Copied to VMs as crunch-run; "": none. The default stands for /usr/bin/arvados-server, with loopback for none',
  ),
  DeployRunnerDirectory: text("/tmp/arvados-crunch-run"),
  DeployPublicKey: flag(true),
  ResourceTags: textMap(),
  TagKeyPrefix: text("Arvados"),
  Driver: text("ec2"),
  DriverParameters: freeMap().describe("Each driver reads its own keys"),
})
  .prefault({})
  .transform((o) => ({
    enable: o.Enable,
    sshPort: o.SSHPort,
    pollIntervalMs: o.PollInterval,
    bootProbeCommand: o.BootProbeCommand,
    probeIntervalMs: o.ProbeInterval,
    maxProbesPerSecond: o.MaxProbesPerSecond < 1 ? DEFAULT_PROBES_PER_SECOND : o.MaxProbesPerSecond,
    timeoutSignalMs: o.TimeoutSignal,
    timeoutTermMs: o.TimeoutTERM,
    timeoutStaleRunLockMs: o.TimeoutStaleRunLock,
    maxCloudOpsPerSecond: o.MaxCloudOpsPerSecond,
    maxConcurrentInstanceCreateOps: o.MaxConcurrentInstanceCreateOps,
    maxInstances: o.MaxInstances,
    maxRunningContainersPerInstance: o.MaxRunningContainersPerInstance,
    initialQuotaEstimate: o.InitialQuotaEstimate,
    supervisorFraction: o.SupervisorFraction,
    syncIntervalMs: o.SyncInterval,
    timeoutIdleMs: o.TimeoutIdle,
    timeoutBootingMs: o.TimeoutBooting,
    timeoutProbeMs: o.TimeoutProbe,
    timeoutShutdownMs: o.TimeoutShutdown,
    imageId: o.ImageID,
    instanceInitCommand: o.InstanceInitCommand,
    deployRunnerBinary: runnerBinary(o.DeployRunnerBinary, o.Driver),
    deployRunnerDirectory: o.DeployRunnerDirectory,
    deployPublicKey: o.DeployPublicKey,
    resourceTags: o.ResourceTags,
    tagKeyPrefix: o.TagKeyPrefix,
    driver: o.Driver,
    driverParameters: o.DriverParameters,
  }));
