import type { Invariant, RecordEvent } from "./invariant.ts";

/** One create a worker, one worker an instance, and no command for a worker that is gone. */
export function commandsInOrder(): Invariant {
  const created = new Set<string>();
  const gone = new Set<string>();
  const workerOf = new Map<string, string>();
  const judge = ({ record, changes }: RecordEvent): string | undefined => {
    for (const command of record.commands) {
      if (!("workerId" in command)) continue;
      const { workerId } = command;
      if (gone.has(workerId)) return `${command.kind} for ${workerId}, which is gone`;
      if (command.kind !== "instance.create") continue;
      if (created.has(workerId)) return `${workerId} is created twice`;
      created.add(workerId);
    }
    for (const { kind, id, after, removed } of changes) {
      if (kind !== "worker") continue;
      const { instanceId } = after.context as { instanceId: string };
      if (removed) {
        gone.add(id);
        if (workerOf.get(instanceId) === id) workerOf.delete(instanceId);
      } else if (instanceId !== "") {
        const other = workerOf.get(instanceId) ?? id;
        if (other !== id) return `${instanceId} is both ${other} and ${id}`;
        workerOf.set(instanceId, id);
        gone.delete(id);
      }
    }
    return undefined;
  };
  return {
    name: "commandsInOrder",
    check(event) {
      if (event.type === "daemon.started") {
        // It may know less than the last one did: an older journal, or none.
        created.clear();
        gone.clear();
        workerOf.clear();
      }
      return event.type === "record.released" ? judge(event) : undefined;
    },
  };
}
