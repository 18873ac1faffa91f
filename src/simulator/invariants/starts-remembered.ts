import type { Processes } from "../../machines/worker/worker.types.ts";
import type { AnySnapshot } from "../../machines/core/registry.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** A start in flight may yet become a process: its worker does not forget it before the answer, whatever else it hears. */
export function startsRemembered(): Invariant {
  /** Container and worker of each start without an answer, by the command's id. */
  const open = new Map<string, { containerId: string; workerId: string }>();
  const judge = ({ record, changes }: RecordEvent): string | undefined => {
    const { fact, commands } = record;
    if (fact.type === "daemon.started") open.clear();
    if (fact.type === "start.returned") open.delete(fact.commandId);
    for (const [id, { containerId, workerId }] of open) {
      const change = changes.find((each) => each.kind === "worker" && each.id === workerId);
      if (!change || change.removed) continue;
      const before = processesOf(change.before)[containerId];
      // A probe may have seen the process before the start's own answer came.
      if (before?.state === "starting" && !(containerId in processesOf(change.after)))
        return `${workerId} forgets ${containerId} at ${fact.type}, while its start (${id}) is in flight`;
    }
    for (const command of commands)
      if (command.kind === "process.start") open.set(command.id, command);
    return undefined;
  };
  return {
    name: "startsRemembered",
    check: (event) => (event.type === "record.released" ? judge(event) : undefined),
  };
}

function processesOf(snapshot: AnySnapshot | undefined): Processes {
  return (snapshot?.context as { processes: Processes } | undefined)?.processes ?? {};
}
