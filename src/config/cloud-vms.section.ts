import { flag, freeMap, key, optionalSection, count, text, textMap } from "./fields.ts";
import { settingKeys } from "./setting-keys.ts";

/** The original's default of DeployRunnerBinary; what it stands for here depends on other sections (`chooseRunner`). */
export const OWN_PROGRAM = "/proc/self/exe";

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
    'Copied to VMs as crunch-run; "": none; builtin: the executable of "npm run build:runner". The default stands for builtin with ' +
      "the embedded queue, else for /usr/bin/arvados-server, and with loopback for none",
  ),
  deployRunnerDirectory: key("DeployRunnerDirectory", text("/tmp/arvados-crunch-run")),
  deployPublicKey: key("DeployPublicKey", flag(true)),
  resourceTags: key("ResourceTags", textMap()),
  tagKeyPrefix: key("TagKeyPrefix", text("Arvados")),
  driver: key("Driver", text("ec2")),
  driverParameters: key("DriverParameters", freeMap(), "Each driver reads its own keys"),
});
