import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { RunnerBinary } from "../../actors/runner-binary.ts";

/** The binary of CloudVMs.DeployRunnerBinary; "" means that none is deployed. It is read until that worked once. */
export function makeRunnerFile(path: string): RunnerBinary | undefined {
  if (path === "") return undefined;
  let loaded: { content: Buffer; md5: string } | undefined;
  return {
    async load() {
      if (loaded) return loaded;
      try {
        const content = await readFile(path);
        loaded = { content, md5: createHash("md5").update(content).digest("hex") };
        return loaded;
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`error loading runner binary: ${reason}`, { cause });
      }
    },
  };
}
