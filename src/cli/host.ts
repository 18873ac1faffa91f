import { statfsSync } from "node:fs";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import type { Host } from "../config/instance-types.ts";

/** This machine, for the loopback driver's implicit type (specification §1.6). */
export function readHost(): Host {
  const { bsize, blocks } = statfsSync(tmpdir());
  return { cpus: availableParallelism(), ramBytes: totalmem(), tmpBytes: bsize * blocks };
}
