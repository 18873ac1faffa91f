import type { ClusterConfig } from "../../config/load.ts";
import { BUILTIN_RUNNER } from "../../config/runner-binary.ts";

const NAMES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

/** For which processors the runner is that this dispatcher copies to hosts; undefined where it is not one of ours. */
export function runnerArch({ containers }: ClusterConfig): string | undefined {
  const { deployRunnerBinary } = containers.cloudVMs;
  return deployRunnerBinary === BUILTIN_RUNNER ? NAMES[process.arch] : undefined;
}
