import { randomBytes } from "node:crypto";
import { initCommand, tagNames } from "../../actors/instance-tags.ts";
import type { ClusterConfig } from "../../config/load.ts";
import type { InstanceTags } from "../../drivers/cloud/port.ts";
import type { InstanceType } from "../../machines/model/instance-type.ts";

/** What one run does, all of it decided before it begins. */
export interface TestPlan {
  readonly type: InstanceType;
  readonly imageId: string;
  readonly instanceSetId: string;
  /** All that the new instance must carry. */
  readonly tags: InstanceTags;
  readonly setIdTag: string;
  readonly secretTag: string;
  readonly initCommand: string;
  readonly publicKey: string | null;
  readonly bootProbeCommand: string;
  /** "" where none is to be run. */
  readonly command: string;
  readonly destroyExisting: boolean;
  readonly sshPort: string;
  readonly syncIntervalMs: number;
  readonly probeIntervalMs: number;
  /** From the create call on. */
  readonly timeoutBootingMs: number;
  /** Of one call to the cloud, one boot probe and the command. */
  readonly cloudTimeoutMs: number;
  readonly probeTimeoutMs: number;
  readonly commandTimeoutMs: number;
}

export interface PlanChoices {
  readonly type: InstanceType;
  readonly instanceSetId: string;
  readonly imageId: string | undefined;
  readonly command: string | undefined;
  readonly destroyExisting: boolean;
  readonly publicKey: string;
  readonly pid: number;
}

/** Generous: the command is the operator's own, who can end it with Ctrl-C. */
const COMMAND_TIMEOUT_MS = 3_600_000;

/** Spec §10. Every plan has a secret of its own, by which the instance is known even where its create call failed. */
export function makeTestPlan(config: ClusterConfig, choices: PlanChoices): TestPlan {
  const { cloudVMs } = config.containers;
  const { cloudRequestTimeoutMs, ssh } = config.dispatchCloud;
  const { type, instanceSetId, imageId, command, destroyExisting, publicKey, pid } = choices;
  const names = tagNames(cloudVMs.tagKeyPrefix);
  const secret = randomBytes(20).toString("hex");
  return {
    type,
    imageId: imageId ?? cloudVMs.imageId,
    instanceSetId,
    tags: {
      ...cloudVMs.resourceTags,
      [`${cloudVMs.tagKeyPrefix}CloudTestPID`]: String(pid),
      [names.instanceSetId]: instanceSetId,
      [names.instanceSecret]: secret,
    },
    setIdTag: names.instanceSetId,
    secretTag: names.instanceSecret,
    initCommand: initCommand(secret, cloudVMs.instanceInitCommand),
    publicKey: cloudVMs.deployPublicKey ? publicKey : null,
    bootProbeCommand: cloudVMs.bootProbeCommand,
    command: command ?? "",
    destroyExisting,
    sshPort: cloudVMs.sshPort,
    syncIntervalMs: cloudVMs.syncIntervalMs,
    probeIntervalMs: cloudVMs.probeIntervalMs,
    timeoutBootingMs: cloudVMs.timeoutBootingMs,
    cloudTimeoutMs: cloudRequestTimeoutMs,
    probeTimeoutMs: ssh.commandTimeoutMs,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
  };
}
