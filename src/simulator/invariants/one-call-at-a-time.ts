import type { Invariant, RecordEvent } from "./invariant.ts";

/** Nothing is decided about a container while a call for it is in flight (DESIGN: the state charts). */
export function oneCallAtATime(): Invariant {
  /** Calls without an outcome, by container. */
  const open = new Map<string, { id: string; kind: string }>();
  const judge = ({ record }: RecordEvent): string | undefined => {
    const { fact, commands } = record;
    // What a crash interrupts has no outcome: it is doubted, and goes on.
    if (fact.type === "daemon.started") open.clear();
    if (fact.type === "operation.succeeded" || fact.type === "operation.failed")
      if (open.get(fact.containerId)?.id === fact.commandId) open.delete(fact.containerId);
    for (const command of commands) {
      if (!("containerId" in command)) continue;
      const { kind, id, containerId } = command;
      const other = open.get(containerId);
      // What runs unwanted is ended, whatever else is going on.
      if (other && kind !== "process.kill")
        return `${kind} for ${containerId}, and ${other.kind} (${other.id}) is in flight`;
      if (kind.startsWith("container.")) open.set(containerId, { id, kind });
    }
    return undefined;
  };
  return {
    name: "oneCallAtATime",
    check: (event) => (event.type === "record.released" ? judge(event) : undefined),
  };
}
