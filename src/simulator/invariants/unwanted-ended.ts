import { isOperatorsCancel } from "../../machines/container/container.choice.ts";
import { ONLY } from "../../machines/model/ids.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** What runs and is known to be wanted no more is being ended, once the planner has looked at it: it costs, for nothing. */
export function unwantedEnded(): Invariant {
  return {
    name: "unwantedEnded",
    check: (event, world) => (event.type === "record.released" ? judge(event, world) : undefined),
  };
}

function judge({ record }: RecordEvent, { dispatcher }: World): string | undefined {
  if (record.fact.type !== "planner.ran" || !dispatcher) return undefined;
  const { readModel } = dispatcher.supervisor;
  if (readModel.get("supervisor", ONLY)?.value !== "dispatching") return undefined;
  // The run that ends the recovery has not looked at the queue yet.
  if (record.decisions.some((decision) => decision.do === "finishRecovery")) return undefined;
  for (const [id, { value, context }] of readModel.entries("container")) {
    const runs = value.process === "starting" || value.process === "running";
    const unwanted = BigInt(context.priority) < 1n || isOperatorsCancel(context.rejection);
    // What is on a worker that is being destroyed ends with it.
    const workers = Object.keys(context.processes).map((each) => readModel.get("worker", each));
    const ends = workers.every((worker) => worker?.value.lifecycle === "shutdown");
    if (runs && value.operation === "none" && unwanted && !ends)
      return `${id} runs, nobody wants it any more, and it is not ended at seq ${record.seq}`;
  }
  return undefined;
}
