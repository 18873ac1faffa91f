import type { ParsedCluster } from "./cluster.section.ts";
import { OWN_PROGRAM } from "./cloud-vms.section.ts";

/** Stands for the executable of `npm run build:runner`, wherever this program is installed. */
export const BUILTIN_RUNNER = "builtin";

/**
 * The default means "this program" to the original, which is its own crunch-run. Here it would be Node, so it stands for our own
 * runner with our own queue, and for the installed original with a controller; on this machine (loopback) the runner need not be
 * copied (specification §17.1).
 */
export function chooseRunner(cluster: ParsedCluster): ParsedCluster {
  const { containers, dispatchCloud } = cluster;
  const { cloudVMs } = containers;
  if (cloudVMs.deployRunnerBinary !== OWN_PROGRAM) return cluster;
  const isOwnQueue = dispatchCloud.queue.driver === "embedded";
  const copied = isOwnQueue ? BUILTIN_RUNNER : "/usr/bin/arvados-server";
  const deployRunnerBinary = cloudVMs.driver === "loopback" ? "" : copied;
  return {
    ...cluster,
    containers: { ...containers, cloudVMs: { ...cloudVMs, deployRunnerBinary } },
  };
}
