import type { Clock } from "../../actors/clock.ts";
import type { InstanceDirectory } from "../../actors/instance-directory.ts";
import { tagNames } from "../../actors/instance-tags.ts";
import type { OpenSession } from "../../actors/sessions.ts";
import type { ClusterConfig } from "../../config/load.ts";
import type { Instance, InstanceSet } from "../../drivers/cloud/port.ts";
import { makeSshExecutor } from "../../drivers/ssh/executor.ts";
import { makeTagVerifier } from "../../drivers/ssh/tag-verifier.ts";
import type { Secrets } from "./secrets.ts";

interface SessionsContext {
  readonly config: ClusterConfig;
  readonly secrets: Secrets;
  readonly cloud: InstanceSet;
  readonly directory: InstanceDirectory;
  readonly clock: Clock;
}

/** SSH connections that trust a host only once it is known to be the instance (specification §8.2). */
export function openSessions({
  config,
  secrets,
  cloud,
  directory,
  clock,
}: SessionsContext): OpenSession {
  const { sshPort, tagKeyPrefix } = config.containers.cloudVMs;
  const { connectTimeoutMs } = config.dispatchCloud.ssh;
  const secretTag = tagNames(tagKeyPrefix).instanceSecret;
  return (instanceId, target, onConnected) => {
    const instance = (): Instance => {
      const listed = directory.get(instanceId);
      if (!listed) throw new Error(`instance ${instanceId} has not been listed`);
      return listed;
    };
    return makeSshExecutor({
      target,
      defaultPort: sshPort,
      privateKey: secrets.privateKey,
      connectTimeoutMs,
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
      verifyHostKey: makeTagVerifier({
        driver: cloud,
        instance,
        instanceSecret: () => instance().tags[secretTag] ?? "",
        timeoutMs: connectTimeoutMs,
        onConnected,
      }),
    });
  };
}
