import { stdinConfig } from "../../actors/crunch-run-commands.ts";
import type { DispatcherOptions } from "../../actors/dispatcher.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { NO_GPU } from "../../machines/model/instance-type.ts";
import type { InstanceType } from "../../machines/model/instance-type.ts";
import { dataPaths } from "../data-dir.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import { hmacHex } from "./secrets.ts";

/** What a runner is told at its start. `apiHost` is known once the daemon listens. */
export function makeRunnerConfig(
  { config, document, secrets, dataDir }: DaemonOptions,
  apiHost: () => string,
): DispatcherOptions["stdinConfig"] {
  const { containers, dispatchCloud, instanceTypes, tls } = config;
  return (worker, containerId) =>
    stdinConfig({
      containerId,
      instanceType: instanceTypes[worker.instanceType] ?? unknownType(worker.instanceType),
      instanceAddress: worker.address,
      apiHost: apiHost(),
      apiHostFile: isOwnApi(config) ? dataPaths(dataDir).daemon : undefined,
      systemRootToken: secrets.systemRootToken,
      insecure: tls.insecure,
      driver: containers.cloudVMs.driver,
      localKeepBlobBuffersPerVcpu: containers.localKeepBlobBuffersPerVcpu,
      clusterConfig: document.cluster,
      hmacHex,
      // The engine that only our own runner has.
      logMaxBytes: containers.runtimeEngine === "process" ? dispatchCloud.logs.maxBytes : undefined,
    });
}

/** Of a worker whose type has left the config: the runner is told its name only. */
function unknownType(name: string): InstanceType {
  const none = { vcpus: 0, ram: 0, includedScratch: 0, addedScratch: 0, scratch: 0, price: 0 };
  return { name, providerType: name, ...none, preemptible: false, gpu: NO_GPU };
}

/** Its runners are on this machine and talk to this daemon, which may listen on another port after a restart. */
function isOwnApi({ dispatchCloud, services, containers }: ClusterConfig): boolean {
  const isEmbedded = dispatchCloud.queue.driver === "embedded";
  const isHere = containers.cloudVMs.driver === "loopback";
  return isEmbedded && isHere && services.controller.externalURL === "";
}
