import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/**
 * A VM that a list shows is the worker's that asked for it, while that one waits for it: it must not count twice. Where
 * the list does not tell whose it is, it does until the create's answer.
 */
export function creatorFound(): Invariant {
  const creatorOf = new Map<string, string>();
  const judge = ({ changes }: RecordEvent, world: World): string | undefined => {
    if (world.faults.counts.has("secretLate")) return undefined;
    for (const { kind, id, before, after } of changes) {
      if (kind !== "worker" || before) continue;
      const { instanceId } = after.context as { instanceId: string };
      const creator = creatorOf.get(instanceId);
      if (creator === undefined || creator === id) continue;
      const waiting = world.dispatcher?.supervisor.readModel.get("worker", creator);
      if (waiting?.value.lifecycle === "creating")
        return `${instanceId} is adopted as ${id}, while ${creator}, which asked for it, waits for it`;
    }
    return undefined;
  };
  return {
    name: "creatorFound",
    check(event, world) {
      if (event.type === "vm.created") creatorOf.set(event.instanceId, event.createdBy);
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
  };
}
