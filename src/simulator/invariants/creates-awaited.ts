import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/**
 * A create without an answer is given up only once its VM can come no more: else another one is asked for, and nobody
 * counts on the first.
 */
export function createsAwaited(): Invariant {
  const vmOf = new Map<string, string>();
  const givenUp = new Set<string>();
  const judge = ({ record, changes }: RecordEvent, world: World): string | undefined => {
    if (record.fact.type !== "instance.missing") return undefined;
    for (const { kind, id, after, removed } of changes) {
      if (kind !== "worker" || !removed) continue;
      if ((after.context as { instanceId: string }).instanceId !== "") continue;
      givenUp.add(id);
      const instanceId = vmOf.get(id) ?? "";
      // A list that did not tell whose it is has made it another worker's.
      if (world.cloud.vm(instanceId) && !isKnown(instanceId, world))
        return `the create of ${id} is given up, and its VM ${instanceId} is there`;
    }
    return undefined;
  };
  return {
    name: "createsAwaited",
    check(event, world) {
      // An older journal may know the same create again.
      if (event.type === "daemon.started") givenUp.clear();
      if (event.type === "record.released") return judge(event, world);
      if (event.type !== "vm.created") return undefined;
      vmOf.set(event.createdBy, event.instanceId);
      return givenUp.has(event.createdBy)
        ? `${event.instanceId} comes of the create of ${event.createdBy}, which was given up`
        : undefined;
    },
  };
}

function isKnown(instanceId: string, { dispatcher }: World): boolean {
  return dispatcher?.supervisor.known.workerOfInstance(instanceId) !== undefined;
}
