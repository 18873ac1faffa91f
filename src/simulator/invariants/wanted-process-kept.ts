import type { JournalRecord } from "../../machines/model/record.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";
import { readable } from "./readable.ts";

/**
 * No process is ended whose container is wanted: the queue has it Locked or Running with a priority, as we know it since
 * our own last call for it, and no operator said so.
 */
export function wantedProcessKept(): Invariant {
  const unwantedByOperator = new Set<string>();
  const take = ({ fact }: JournalRecord): void => {
    if (fact.type === "kill.requested" || fact.type === "cancel.requested")
      unwantedByOperator.add(fact.containerId);
  };
  const judge = ({ record }: RecordEvent, world: World): string | undefined => {
    take(record);
    for (const command of record.commands) {
      if (command.kind !== "process.kill") continue;
      const { containerId, instanceId } = command;
      if (unwantedByOperator.has(containerId) || !isWanted(world, containerId)) continue;
      if (world.cloud.vm(instanceId)?.runningIds.includes(containerId))
        return `the process of ${containerId} on ${instanceId} is ended, and it is wanted`;
    }
    return undefined;
  };
  return {
    name: "wantedProcessKept",
    check(event, world) {
      // A crash may have come between a word's commit and its release.
      if (event.type === "daemon.started") for (const record of readable(world)) take(record);
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
  };
}

function isWanted({ queue }: World, containerId: string): boolean {
  const record = queue.containers.get(containerId)?.record;
  const runs = record?.state === "Locked" || record?.state === "Running";
  return runs && BigInt(record.priority) > 0n;
}
