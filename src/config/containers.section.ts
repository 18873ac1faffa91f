import { cloudVMs } from "./cloud-vms.section.ts";
import { choice, count, decimal, key, optionalSection, text, textList } from "./fields.ts";
import { settingKeys } from "./setting-keys.ts";

const { maximumPriceFactor, staleLockTimeoutMs, ...otherSettings } = settingKeys("Containers");

/** `Clusters.<id>.Containers` (specification §1.3), in the order in which it is dumped. */
export const containers = optionalSection({
  maximumPriceFactor,
  preemptiblePriceFactor: key(
    "PreemptiblePriceFactor",
    decimal(0),
    "More than 0: add preemptible variants of all types",
  ),
  dispatchPrivateKey: key(
    "DispatchPrivateKey",
    text(""),
    "PEM text or file:// reference, without passphrase",
  ),
  staleLockTimeoutMs,
  crunchRunCommand: key("CrunchRunCommand", text("crunch-run")),
  crunchRunArgumentsList: key("CrunchRunArgumentsList", textList()),
  runtimeEngine: key("RuntimeEngine", text("docker")),
  ...otherSettings,
  localKeepLogsToContainerLog: key(
    "LocalKeepLogsToContainerLog",
    choice(["none", "all", "errors"], "none"),
  ),
  maxDispatchAttempts: key("MaxDispatchAttempts", count(10, 1)),
  cloudVMs: key("CloudVMs", cloudVMs),
});
