import type { Clock } from "../../actors/clock.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { hasErrors } from "../../config/finding.ts";
import { checkDriver } from "../../drivers/cloud/catalogue.ts";
import type { InstanceSet } from "../../drivers/cloud/port.ts";
import { makeSshExecutor } from "../../drivers/ssh/executor.ts";
import { findingLine } from "../cluster-config.ts";
import { CliError } from "../exit-code.ts";
import type { Secrets } from "./secrets.ts";

interface CloudContext {
  readonly dataDir: string;
  readonly instanceSetId: string;
  readonly clock: Clock;
  readonly searchPath: string | undefined;
  readonly secrets: Pick<Secrets, "privateKey">;
}

/** Opens the configured driver. Throws `CliError` with everything that is wrong with its parameters. */
export async function openCloud(
  config: ClusterConfig,
  context: CloudContext,
): Promise<InstanceSet> {
  const { driver, driverParameters } = config.containers.cloudVMs;
  const prefix = `Clusters.${config.id}.Containers.CloudVMs`;
  const instanceTypes = Object.keys(config.instanceTypes);
  const { findings, open } = checkDriver(driver, driverParameters, { prefix, instanceTypes });
  if (!open || hasErrors(findings)) {
    const errors = findings.filter(({ severity }) => severity === "error").map(findingLine);
    throw new CliError(["error initializing driver:", ...errors].join("\n  "));
  }
  const { dataDir, instanceSetId, clock, searchPath, secrets } = context;
  const setTimer = (delayMs: number, callback: () => void): (() => void) =>
    clock.setTimer(delayMs, callback);
  try {
    return await open({
      dataDir,
      instanceSetId,
      nowMs: () => clock.nowMs(),
      setTimer,
      openSsh: (target, verifyHostKey) =>
        makeSshExecutor({
          target,
          verifyHostKey,
          setTimer,
          privateKey: secrets.privateKey,
          defaultPort: config.containers.cloudVMs.sshPort,
          connectTimeoutMs: config.dispatchCloud.ssh.connectTimeoutMs,
        }),
      ...(searchPath === undefined ? {} : { searchPath }),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`error initializing driver: ${reason}`, { cause });
  }
}
