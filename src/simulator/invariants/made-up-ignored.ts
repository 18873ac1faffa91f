import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** No worker may report more, of whatever type: that of one whose type is not known is the greatest limit here. */
const REPORTED_MAX = 256;

/**
 * A worker that lists thousands of made-up containers is drained by its next answer, unless an operator has said otherwise
 * since, and what it made up is in no record and is not asked to end. That what it truly runs is kept, others check.
 */
export function madeUpIgnored(): Invariant {
  /** Overlong lists in a row that this run has got, of those whose behaviour nobody has changed since. */
  const listsCount = new Map<string, number>();
  const judgeRecord = ({ record }: RecordEvent): string | undefined => {
    const { fact, commands } = record;
    if (fact.type === "behavior.requested") listsCount.clear();
    if (fact.type === "probe.succeeded" && fact.containerIds.length > REPORTED_MAX)
      return `${fact.workerId} made up containers, and ${fact.containerIds.length} are in a record`;
    const killsCount = commands.filter(({ kind }) => kind === "process.kill").length;
    return killsCount > REPORTED_MAX ? `${killsCount} processes are killed at once` : undefined;
  };
  const judgeList = (instanceId: string, atMs: number, world: World): string | undefined => {
    const fromMs = world.cloud.vm(instanceId)?.behavior.overlongFromMs ?? Infinity;
    // The answer may have been on its way for as long as a command may take.
    if (atMs - world.config.commandTimeoutMs < fromMs) return undefined;
    const before = listsCount.get(instanceId) ?? 0;
    listsCount.set(instanceId, before + 1);
    const { known } = world.dispatcher?.supervisor ?? {};
    const worker = known?.get("worker", known.workerOfInstance(instanceId) ?? "");
    if (before === 0 || worker?.value.idleBehavior !== "run") return undefined;
    if (worker.value.lifecycle === "shutdown") return undefined;
    return `${instanceId} has listed made-up containers before, and is not drained`;
  };
  return {
    name: "madeUpIgnored",
    check(event, world) {
      if (event.type === "daemon.started") listsCount.clear();
      if (event.type === "vm.listed") return judgeList(event.instanceId, event.atMs, world);
      return event.type === "record.released" ? judgeRecord(event) : undefined;
    },
  };
}
