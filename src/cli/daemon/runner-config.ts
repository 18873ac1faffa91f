import { stdinConfig } from "../../actors/crunch-run-commands.ts";
import type { DispatcherOptions } from "../../actors/dispatcher.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { NO_GPU } from "../../machines/model/instance-type.ts";
import type { InstanceType } from "../../machines/model/instance-type.ts";
import { makeAttemptTokens } from "../../http/attempt-tokens.ts";
import { dataPaths } from "../data-dir.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import { hmacHex } from "./secrets.ts";

/** What a runner is told at its start. */
export function makeRunnerConfig(
  {
    config,
    document,
    secrets,
    dataDir,
  }: Pick<DaemonOptions, "config" | "document" | "secrets" | "dataDir">,
  queue: RunnersQueue,
): DispatcherOptions["stdinConfig"] {
  const { containers, dispatchCloud, instanceTypes, tls } = config;
  const isEmbedded = dispatchCloud.queue.driver === "embedded";
  const attempts = makeAttemptTokens(secrets.systemRootToken);
  const tokenFor = (containerId: string): string | undefined => {
    // A controller's runner does more with it than to update its container.
    if (!isEmbedded) return secrets.systemRootToken;
    const number = queue.lockCountOf(containerId);
    return number === undefined ? undefined : attempts.tokenOf({ containerId, number });
  };
  return (worker, containerId) => {
    const apiToken = tokenFor(containerId);
    if (apiToken === undefined) return undefined;
    return stdinConfig({
      containerId,
      instanceType: instanceTypes[worker.instanceType] ?? unknownType(worker.instanceType),
      instanceAddress: worker.address,
      apiHost: queue.apiHost,
      apiHostFile: isOwnApi(config) ? dataPaths(dataDir).daemon : undefined,
      apiToken,
      systemRootToken: secrets.systemRootToken,
      insecure: tls.insecure,
      driver: containers.cloudVMs.driver,
      // With it a runner would be sent the whole configuration, root token and all, for a Keep that is not there.
      localKeepBlobBuffersPerVcpu: isEmbedded ? 0 : containers.localKeepBlobBuffersPerVcpu,
      clusterConfig: document.cluster,
      hmacHex,
      // The engine that only our own runner has.
      logMaxBytes: containers.runtimeEngine === "process" ? dispatchCloud.logs.maxBytes : undefined,
    });
  };
}

/** What is known once the daemon listens. */
interface RunnersQueue {
  readonly apiHost: string;
  /** How often a container has been locked, and so which of its attempts this is. */
  lockCountOf(containerId: string): number | undefined;
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
