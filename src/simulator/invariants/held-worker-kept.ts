import type { Invariant, RecordEvent } from "./invariant.ts";

const OPERATORS = /^an operator asked: /;

/** What an operator holds is theirs: only an operator's word ends it, and neither its age, its silence nor the planner. */
export function heldWorkerKept(): Invariant {
  const judge = ({ record, changes }: RecordEvent): string | undefined => {
    for (const command of record.commands) {
      if (command.kind !== "instance.destroy") continue;
      const change = changes.find(({ kind, id }) => kind === "worker" && id === command.workerId);
      const { lifecycle } = (change?.before?.value ?? {}) as { lifecycle?: string };
      const { idleBehavior } = (change?.after.value ?? {}) as { idleBehavior?: string };
      const { shutdownReason = "" } = (change?.after.context ?? {}) as { shutdownReason?: string };
      if (lifecycle === "shutdown" || idleBehavior !== "hold") continue;
      if (!OPERATORS.test(shutdownReason))
        return `${command.workerId} is held, and destroyed: ${shutdownReason}`;
    }
    return undefined;
  };
  return {
    name: "heldWorkerKept",
    check: (event) => (event.type === "record.released" ? judge(event) : undefined),
  };
}
