import { instanceSetId } from "../../config/instance-set-id.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { toSettings } from "../../config/settings.ts";
import type { DispatcherConfig } from "../../actors/dispatcher.ts";
import type { InstanceSet } from "../../drivers/cloud/port.ts";
import { CODE_VERSION } from "../../machines/core/core.ts";
import { paceOf } from "../../machines/model/settings.ts";
import type { Secrets } from "./secrets.ts";

/** What the shell around the core goes by, from the cluster's config. */
export function dispatcherConfig(
  config: ClusterConfig,
  context: {
    readonly configHash: string;
    readonly secrets: Secrets;
    readonly cloud: Pick<InstanceSet, "quotaGroup">;
  },
): DispatcherConfig {
  const { configHash, secrets, cloud } = context;
  const { cloudVMs } = config.containers;
  const { dispatchCloud } = config;
  const groups = Object.values(config.instanceTypes).map((type) => [
    type.name,
    cloud.quotaGroup(type),
  ]);
  return {
    settings: toSettings(config, Object.fromEntries(groups) as Record<string, string>),
    configHash,
    // What the journal says of a start: a replay judges differences by it.
    version: CODE_VERSION,
    instanceSetId: instanceSetId(secrets.systemRootToken),
    tagKeyPrefix: cloudVMs.tagKeyPrefix,
    imageId: cloudVMs.imageId,
    initCommand: cloudVMs.instanceInitCommand,
    publicKey: cloudVMs.deployPublicKey ? secrets.publicKey : null,
    bootProbeCommand: cloudVMs.bootProbeCommand,
    crunchRunCommand: config.containers.crunchRunCommand,
    deployDirectory: cloudVMs.deployRunnerDirectory,
    runtimeEngine: config.containers.runtimeEngine,
    extraArguments: config.containers.crunchRunArgumentsList,
    ...paceOf(cloudVMs),
    cloudTimeoutMs: dispatchCloud.cloudRequestTimeoutMs,
    queueTimeoutMs: dispatchCloud.queue.requestTimeoutMs,
    commandTimeoutMs: dispatchCloud.ssh.commandTimeoutMs,
    checkpointRecords: dispatchCloud.journal.checkpointRecords,
  };
}
