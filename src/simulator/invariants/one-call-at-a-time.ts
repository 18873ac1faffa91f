import type { Invariant, RecordEvent } from "./invariant.ts";

/** The shortest pause after a call that failed. */
const PAUSE_MS = 500;

/** Nothing is decided about a container while a call for it is in flight (docs/design.md: the state charts), or has just failed. */
export function oneCallAtATime(): Invariant {
  /** Calls without an outcome, by container. */
  const open = new Map<string, { id: string; kind: string }>();
  const pausedUntilMs = new Map<string, number>();
  const judge = ({ record }: RecordEvent): string | undefined => {
    const { fact, commands } = record;
    // What a crash interrupts has no outcome: it is doubted, and goes on.
    if (fact.type === "daemon.started") {
      open.clear();
      pausedUntilMs.clear();
    }
    if (fact.type === "operation.failed") pausedUntilMs.set(fact.containerId, fact.atMs + PAUSE_MS);
    if (fact.type === "operation.succeeded" || fact.type === "operation.failed")
      if (open.get(fact.containerId)?.id === fact.commandId) open.delete(fact.containerId);
    for (const command of commands) {
      if (!("containerId" in command)) continue;
      const { kind, id, containerId } = command;
      const other = open.get(containerId);
      // What runs unwanted is ended, whatever else is going on.
      const isFree = kind === "process.kill";
      if (!isFree && fact.atMs < (pausedUntilMs.get(containerId) ?? 0))
        return `${kind} for ${containerId}, and the last call for it has just failed`;
      if (other && !isFree)
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
