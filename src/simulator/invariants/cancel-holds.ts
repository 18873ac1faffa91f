import type { ContainerSnapshot } from "../../machines/container/container.machine.ts";
import type { FaultKind } from "../faults.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** A restart that knows less than the last run did may have forgotten what an operator said. */
const FORGETS: readonly FaultKind[] = ["journalLost", "journalOlder", "journalTorn"];

/**
 * What an operator has cancelled is not started any more, and ends Cancelled, or as its runner said that was faster than
 * the signal. One on hold is left alone: it cannot be cancelled.
 */
export function cancelHolds(): Invariant {
  /** Whether it had a process when it was cancelled, which a run without a history may not have found yet. */
  const cancelled = new Map<string, boolean>();
  const judge = ({ record, changes }: RecordEvent): string | undefined => {
    const { fact, commands } = record;
    for (const command of commands)
      if (command.kind === "process.start" && cancelled.has(command.containerId))
        return `${command.containerId} is started, and an operator has cancelled it`;
    if (fact.type !== "cancel.requested") return undefined;
    const change = changes.find(({ kind, id }) => kind === "container" && id === fact.containerId);
    const after = change?.after as ContainerSnapshot | undefined;
    if (after && after.context.rejection !== "") {
      const { process, record: state } = after.value;
      cancelled.set(fact.containerId, process !== "absent" || state === "Running");
    }
    return undefined;
  };
  return {
    name: "cancelHolds",
    check(event, { faults }) {
      if (event.type === "daemon.started" && FORGETS.some((kind) => faults.counts.has(kind)))
        cancelled.clear();
      return event.type === "record.released" ? judge(event) : undefined;
    },
    checkEnd: ({ queue }) => wronglyEnded(queue, cancelled),
  };
}

function wronglyEnded(
  { containers }: World["queue"],
  cancelled: ReadonlyMap<string, boolean>,
): string | undefined {
  for (const [containerId, hadProcess] of cancelled) {
    const record = containers.get(containerId)?.record;
    if (!record || record.state === "Cancelled" || BigInt(record.priority) <= 0n) continue;
    if (record.state === "Complete" && hadProcess) continue;
    return `${containerId} was cancelled by an operator, and ends ${record.state}`;
  }
  return undefined;
}
