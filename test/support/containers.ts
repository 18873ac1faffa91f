import type { ContainerRecord } from "../../src/machines/model/fact.ts";

export function containerId(n: number): string {
  return `zzzzz-dz642-${String(n).padStart(15, "0")}`;
}

export function containerRecord(changes: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    state: "Queued",
    priority: "1",
    createdAtMs: 0,
    supervisor: false,
    preemptible: false,
    containerImage: "",
    vcpus: 1,
    ram: 2 ** 30,
    keepCacheRam: 0,
    keepCacheDisk: 0,
    tmpMounts: 0,
    gpu: null,
    ...changes,
  };
}
