import type { ContainerSnapshot } from "../container/container.machine.ts";
import type { Core } from "../core/core.ts";
import type { Change } from "../core/draft.ts";
import { formatPriority } from "../model/amounts.ts";
import type { WorkerSnapshot } from "../worker/worker.machine.ts";

/** What people call what a record names by its id. */
export interface Names {
  /** The cloud's name of a worker, else its id. */
  worker(workerId: string): string;
  /** The uuid, with the name that its user gave it. */
  container(containerId: string): string;
  /** As its user gave it, where that can be told. */
  priority(containerId: string, priority: string): string;
}

/** Also of those that have just gone. */
export function namer({ registry }: Core, changes: readonly Change[]): Names {
  const gone = (kind: string, id: string) =>
    changes.find((change) => change.kind === kind && change.id === id)?.after;
  const container = (id: string) =>
    registry.get("container", id) ?? (gone("container", id) as ContainerSnapshot | undefined);
  return {
    worker: (id) => {
      const worker =
        registry.get("worker", id) ?? (gone("worker", id) as WorkerSnapshot | undefined);
      return worker?.context.instanceId || id;
    },
    container: (id) => namedContainer(id, container(id)?.context.record?.name ?? ""),
    priority: (id, priority) => {
      const found = container(id);
      return found ? formatPriority(priority, found.context.createdAtMs) : priority;
    },
  };
}

/** Its name beside its uuid. */
export function namedContainer(containerId: string, name: string): string {
  return name === "" ? containerId : `${containerId} (${name})`;
}

/** As its user named it; "" where that is not known. */
export function nameOfContainer({ registry }: Core, containerId: string): string {
  return registry.get("container", containerId)?.context.record?.name ?? "";
}
