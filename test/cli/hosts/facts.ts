import type { HostFacts } from "../../../src/cli/hosts/facts.ts";

export const GIB = 1024 ** 3;

/** A machine that lacks nothing. */
export function facts(change: Partial<HostFacts> = {}): HostFacts {
  return {
    uid: 0,
    mayBeRoot: true,
    arch: "x86_64",
    glibc: "2.36",
    hasLibstdcxx: true,
    cpus: 4,
    memoryBytes: 15.6 * GIB,
    scratchBytes: 100.9 * GIB,
    runnerRoomBytes: 10 * GIB,
    machineId: "0123",
    missing: [],
    directories: [],
    cuda: "",
    gpus: [],
    ...change,
  };
}
