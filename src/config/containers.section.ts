import { cloudVMs } from "./cloud-vms.section.ts";
import { byteSize, choice, count, decimal, duration, section, text, textList } from "./fields.ts";

/** `Clusters.<id>.Containers` (specification §1.3). */
export const containers = section({
  MaximumPriceFactor: decimal(1.5).describe("Price ceiling of eligible types; below 1 acts as 1"),
  PreemptiblePriceFactor: decimal(0).describe("More than 0: add preemptible variants of all types"),
  DispatchPrivateKey: text("").describe("PEM text or file:// reference, without passphrase"),
  StaleLockTimeout: duration("1m"),
  CrunchRunCommand: text("crunch-run"),
  CrunchRunArgumentsList: textList(),
  RuntimeEngine: text("docker"),
  ReserveExtraRAM: byteSize("550MiB"),
  LocalKeepBlobBuffersPerVCPU: count(1),
  LocalKeepLogsToContainerLog: choice(["none", "all", "errors"], "none"),
  MaxDispatchAttempts: count(10, 1),
  CloudVMs: cloudVMs,
})
  .prefault({})
  .transform((o) => ({
    maximumPriceFactor: o.MaximumPriceFactor,
    preemptiblePriceFactor: o.PreemptiblePriceFactor,
    dispatchPrivateKey: o.DispatchPrivateKey,
    staleLockTimeoutMs: Math.max(0, o.StaleLockTimeout),
    crunchRunCommand: o.CrunchRunCommand,
    crunchRunArgumentsList: o.CrunchRunArgumentsList,
    runtimeEngine: o.RuntimeEngine,
    reserveExtraRam: o.ReserveExtraRAM,
    localKeepBlobBuffersPerVCPU: o.LocalKeepBlobBuffersPerVCPU,
    localKeepLogsToContainerLog: o.LocalKeepLogsToContainerLog,
    maxDispatchAttempts: o.MaxDispatchAttempts,
    cloudVMs: o.CloudVMs,
  }));
