import type { Clock } from "../../actors/clock.ts";
import type { ClusterConfig } from "../../config/load.ts";
import type { Instance, InstanceSet } from "../../drivers/cloud/port.ts";
import { makeSshExecutor } from "../../drivers/ssh/executor.ts";
import type { SshExecutor } from "../../drivers/ssh/port.ts";
import { makeTagVerifier } from "../../drivers/ssh/tag-verifier.ts";
import type { TestPlan } from "./plan.ts";

interface SessionContext {
  readonly config: ClusterConfig;
  readonly cloud: InstanceSet;
  readonly clock: Clock;
  readonly plan: TestPlan;
  readonly privateKey: string;
}

/** The connection to the instance under test. What it must know is the plan's own secret, not what the cloud lists. */
export function openTestSession(
  { config, cloud, clock, plan, privateKey }: SessionContext,
  latest: () => Instance,
): SshExecutor {
  const { connectTimeoutMs } = config.dispatchCloud.ssh;
  const { address, remoteUser } = latest();
  return makeSshExecutor({
    target: { address, remoteUser },
    defaultPort: plan.sshPort,
    privateKey,
    connectTimeoutMs,
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    verifyHostKey: makeTagVerifier({
      driver: cloud,
      instance: latest,
      instanceSecret: () => plan.tags[plan.secretTag] ?? "",
      timeoutMs: connectTimeoutMs,
    }),
  });
}
