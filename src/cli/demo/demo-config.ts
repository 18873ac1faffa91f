import { stringify } from "yaml";

/**
 * A dispatcher of its own on the loopback address, on a port of the system's choice, with workers that are processes of
 * this machine. Everything is short: a cloud would be strained by it.
 */
export function demoConfig(dataDir: string): string {
  const type = (VCPUs: number, RAM: string, Price: number) => ({
    VCPUs,
    RAM,
    IncludedScratch: "8GiB",
    Price,
  });
  return stringify({
    Clusters: {
      demo1: {
        Services: { DispatchCloud: { InternalURLs: { "http://127.0.0.1:0/": {} } } },
        SystemLogs: { LogLevel: "info", Format: "text" },
        DispatchCloud: { DataDir: dataDir, Queue: { Driver: "embedded" } },
        InstanceTypes: {
          small: type(1, "1152MiB", 0.02),
          medium: type(2, "2304MiB", 0.04),
          large: type(4, "4608MiB", 0.08),
        },
        Containers: {
          RuntimeEngine: "process",
          CrunchRunCommand: "crunch-run",
          ReserveExtraRAM: 0,
          LocalKeepBlobBuffersPerVCPU: 0,
          StaleLockTimeout: "5s",
          CloudVMs: {
            Enable: true,
            Driver: "loopback",
            // More than the dispatcher may have: one that is being destroyed still counts with this "cloud".
            DriverParameters: { MaxInstances: 8, BootDelay: "300ms" },
            MaxInstances: 4,
            MaxConcurrentInstanceCreateOps: 2,
            MaxCloudOpsPerSecond: 50,
            DeployRunnerBinary: "",
            BootProbeCommand: "true",
            PollInterval: "500ms",
            ProbeInterval: "500ms",
            MaxProbesPerSecond: 50,
            SyncInterval: "1s",
            TimeoutIdle: "3s",
            TimeoutBooting: "30s",
            TimeoutProbe: "20s",
            TimeoutShutdown: "2s",
            TimeoutSignal: "1s",
            TimeoutTERM: "10s",
          },
        },
      },
    },
  });
}
