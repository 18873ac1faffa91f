import { flag, freeMap, key, optionalSection, count, text, textMap } from "./fields.ts";
import { settingKeys } from "./setting-keys.ts";

const OWN_PROGRAM = "/proc/self/exe";

/**
 * The default means "this program" to the original, which is its own crunch-run. Here it would be Node, so it stands for
 * the installed original; on this machine (loopback) the runner need not be copied (specification §17.1).
 */
function runnerBinary(configured: string, driver: string): string {
  if (configured !== OWN_PROGRAM) return configured;
  return driver === "loopback" ? "" : "/usr/bin/arvados-server";
}

const {
  pollIntervalMs,
  probeIntervalMs,
  maxProbesPerSecond,
  timeoutSignalMs,
  timeoutTermMs,
  timeoutStaleRunLockMs,
  maxConcurrentInstanceCreateOps,
  maxInstances,
  maxRunningContainersPerInstance,
  initialQuotaEstimate,
  supervisorFraction,
  syncIntervalMs,
  ...otherSettings
} = settingKeys("Containers.CloudVMs");

/** `Clusters.<id>.Containers.CloudVMs` (specification §1.3), in the order in which it is dumped. */
export const cloudVMs = optionalSection({
  enable: key(
    "Enable",
    flag(false),
    "Not read by the daemon; adds the loopback driver's implicit type",
  ),
  sshPort: key("SSHPort", text("22"), "Where the instance's address has none"),
  pollIntervalMs,
  bootProbeCommand: key(
    "BootProbeCommand",
    text("systemctl is-system-running"),
    "Exits 0 when the VM has booted",
  ),
  probeIntervalMs,
  maxProbesPerSecond,
  timeoutSignalMs,
  timeoutTermMs,
  timeoutStaleRunLockMs,
  maxCloudOpsPerSecond: key("MaxCloudOpsPerSecond", count(10), "0: no limit"),
  maxConcurrentInstanceCreateOps,
  maxInstances,
  maxRunningContainersPerInstance,
  initialQuotaEstimate,
  supervisorFraction,
  syncIntervalMs,
  ...otherSettings,
  imageId: key("ImageID", text("")),
  instanceInitCommand: key("InstanceInitCommand", text(""), "Shell text for the first boot"),
  deployRunnerBinary: key(
    "DeployRunnerBinary",
    text(OWN_PROGRAM),
    'Copied to VMs as crunch-run; "": none. The default stands for /usr/bin/arvados-server, with loopback for none',
  ),
  deployRunnerDirectory: key("DeployRunnerDirectory", text("/tmp/arvados-crunch-run")),
  deployPublicKey: key("DeployPublicKey", flag(true)),
  resourceTags: key("ResourceTags", textMap()),
  tagKeyPrefix: key("TagKeyPrefix", text("Arvados")),
  driver: key("Driver", text("ec2")),
  driverParameters: key("DriverParameters", freeMap(), "Each driver reads its own keys"),
}).transform((vms) => ({
  ...vms,
  deployRunnerBinary: runnerBinary(vms.deployRunnerBinary, vms.driver),
}));
