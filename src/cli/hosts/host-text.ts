import { formatSize } from "../../machines/model/amounts.ts";
import type { AddedHost } from "./add.ts";
import type { HostFacts } from "./facts.ts";
import type { Lack } from "./lacks.ts";

/** `x86_64, glibc 2.36, 4 CPUs, 15.6GiB memory, 80GiB free disk, no GPU` */
export function factsText({
  arch,
  glibc,
  cpus,
  memoryBytes,
  scratchBytes,
  gpus,
}: HostFacts): string {
  return [
    arch,
    `glibc ${glibc || "none"}`,
    `${cpus} ${cpus === 1 ? "CPU" : "CPUs"}`,
    `${formatSize(memoryBytes)} memory`,
    `${formatSize(scratchBytes)} free disk`,
    gpus.length === 0 ? "no GPU" : `${gpus.length} ${gpus.length === 1 ? "GPU" : "GPUs"}`,
  ].join(", ");
}

/** A line of two for each. */
export function lackLines(lacks: readonly Lack[]): string {
  return lacks.map(({ what, mend }) => `  ${what}\n    mend: ${mend}\n`).join("");
}

export function factsJson(facts: HostFacts) {
  return {
    arch: facts.arch,
    glibc: facts.glibc,
    vcpus: facts.cpus,
    ram: facts.memoryBytes,
    scratch: facts.scratchBytes,
    gpus: facts.gpus.length,
    machine_id: facts.machineId,
    uid: facts.uid,
  };
}

export function lacksJson(lacks: readonly Lack[]) {
  return lacks.map(({ what, mend }) => ({ what, mend }));
}

export function addedJson({ name, login, hostKey, instanceType, facts, lacks }: AddedHost) {
  const { address, user } = login;
  return {
    name,
    address,
    user,
    host_key: hostKey,
    instance_type: instanceType,
    ...factsJson(facts),
    lacks: lacksJson(lacks),
  };
}
