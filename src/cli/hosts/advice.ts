import { isMap } from "../../config/document.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { BUILTIN_RUNNER } from "../../config/runner-binary.ts";

/** What in a config would keep containers from running on its hosts, a line each, with what to do about it. */
export function adviceFor({ containers }: ClusterConfig): string[] {
  const { deployRunnerBinary, driverParameters, maxInstances } = containers.cloudVMs;
  const advice: string[] = [];
  if (deployRunnerBinary === BUILTIN_RUNNER && containers.runtimeEngine !== "process")
    advice.push(
      `the runner that is copied to hosts does not know ${containers.runtimeEngine}: put RuntimeEngine: process into Containers`,
    );
  const hosts = driverParameters["Hosts"];
  const hostsCount = isMap(hosts) ? Object.keys(hosts).length : 0;
  if (maxInstances > 0 && hostsCount > maxInstances)
    advice.push(
      `there are ${hostsCount} hosts, and MaxInstances is ${maxInstances}: no more are used at once`,
    );
  return advice;
}
