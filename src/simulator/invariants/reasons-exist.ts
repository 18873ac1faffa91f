import { rejectionOf } from "../../machines/container/container.rejection.ts";
import { ONLY } from "../../machines/model/ids.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** Every decision says why, and so does every container that waits, once the planner has looked at it. */
export function reasonsExist(): Invariant {
  return {
    name: "reasonsExist",
    check(event, world) {
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
  };
}

function judge({ record }: RecordEvent, world: World): string | undefined {
  if (record.fact.type !== "planner.ran" || !world.dispatcher) return undefined;
  for (const decision of record.decisions)
    if (decision.do !== "wait" && decision.reason === "")
      return `${decision.do} was decided without a reason at seq ${record.seq}`;
  const { readModel } = world.dispatcher.supervisor;
  if (readModel.get("supervisor", ONLY)?.value !== "dispatching") return undefined;
  // The run that ends the recovery has not looked at the queue yet.
  if (record.decisions.some((decision) => decision.do === "finishRecovery")) return undefined;
  for (const [id, { value, context }] of readModel.entries("container")) {
    const waits = value.record === "Queued" || value.record === "Locked";
    const judged = rejectionOf({ value, context }) === "" && context.firstSeenSeq < record.seq;
    if (waits && judged && value.operation === "none" && context.waitReason === "")
      return `${id} is ${value.record} and waits without a reason at seq ${record.seq}`;
  }
  return undefined;
}
