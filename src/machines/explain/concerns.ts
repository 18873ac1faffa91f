import type { Command } from "../model/command.ts";
import type { Decision } from "../model/decision.ts";
import type { ActorKind } from "../model/ids.ts";
import type { JournalRecord } from "../model/record.ts";

export interface ActorName {
  readonly kind: ActorKind;
  readonly id: string;
}

/** Whether a decision is about the actor. */
export function concerns(decision: Decision, { kind, id }: ActorName): boolean {
  if (kind === "worker") return "worker" in decision && decision.worker === id;
  if (kind === "container") return "container" in decision && decision.container === id;
  if (kind === "throttle") return decision.do === "holdCreates";
  return (
    kind === "supervisor" && (decision.do === "delayRecovery" || decision.do === "finishRecovery")
  );
}

/** Whether a command is about the actor. */
export function asksOf(command: Command, { kind, id }: ActorName): boolean {
  if (kind === "worker") return "workerId" in command && command.workerId === id;
  return kind === "container" && "containerId" in command && command.containerId === id;
}

/**
 * The worker that each create decision of a record made: the n-th of them asked for the n-th instance, for a decision
 * that nobody took is not recorded.
 */
export function createdBy(
  record: JournalRecord,
): { decision: Extract<Decision, { do: "create" }>; command: Command }[] {
  const creates = record.commands.filter(({ kind }) => kind === "instance.create");
  const decisions = record.decisions.filter((decision) => decision.do === "create");
  return decisions.flatMap((decision, at) => {
    const command = creates[at];
    return command ? [{ decision, command }] : [];
  });
}
