import type { ClusterConfig } from "../../config/load.ts";
import type { ConfigMap } from "../../config/document.ts";
import type { InstanceSet } from "../../drivers/cloud/port.ts";
import { openCloud } from "../daemon/cloud.ts";
import type { Secrets } from "../daemon/secrets.ts";
import { openTestSession } from "./session.ts";
import { testInstance, type TesterOptions, type TestResult } from "./tester.ts";

export interface RunOnDriverOptions extends Omit<TesterOptions, "cloud" | "openSession"> {
  readonly config: ClusterConfig;
  /** Of this run: those of the config, or with one of its subnets. */
  readonly driverParameters: ConfigMap;
  readonly dataDir: string;
  readonly secrets: Pick<Secrets, "privateKey">;
  readonly searchPath: string | undefined;
}

/** Opens the driver, runs the test on it, and closes it. */
export async function runOnDriver(options: RunOnDriverOptions): Promise<TestResult> {
  const { steps, config, driverParameters, plan, clock, dataDir, searchPath } = options;
  const { containers } = config;
  const cloudVMs = { ...containers.cloudVMs, driverParameters };
  const configured = { ...config, containers: { ...containers, cloudVMs } };
  let cloud: InstanceSet | undefined;
  await steps.run("driver", `open the driver ${cloudVMs.driver}`, async () => {
    cloud = await openCloud(configured, {
      dataDir,
      clock,
      searchPath,
      instanceSetId: plan.instanceSetId,
      secrets: options.secrets,
    });
    return "";
  });
  if (!cloud) return { ok: false, instanceId: null, left: [], isUncertain: false };
  const opened: InstanceSet = cloud;
  try {
    const { privateKey } = options.secrets;
    return await testInstance({
      ...options,
      cloud: opened,
      openSession: (latest) =>
        openTestSession({ config, cloud: opened, clock, plan, privateKey }, latest),
    });
  } finally {
    await opened.close();
  }
}
