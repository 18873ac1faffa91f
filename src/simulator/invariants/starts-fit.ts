import type { CommandKind } from "../../machines/model/command.ts";
import { ONLY } from "../../machines/model/ids.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** Nothing of this while the dispatcher is drained. */
const BEGINS_WORK: ReadonlySet<CommandKind> = new Set([
  "instance.create",
  "container.lock",
  "process.start",
]);

/**
 * A container is started only on a worker that takes work, and where it fits beside what is there already: no more of
 * them than are allowed on an instance, nor more of anything than its type has (specification §6.5).
 */
export function startsFit(): Invariant {
  return {
    name: "startsFit",
    check: (event, world) => (event.type === "record.released" ? judge(event, world) : undefined),
  };
}

function judge({ record }: RecordEvent, world: World): string | undefined {
  const { readModel } = world.dispatcher?.supervisor ?? {};
  const isDrained = readModel?.get("supervisor", ONLY)?.value === "stopping";
  for (const command of record.commands) {
    if (isDrained && BEGINS_WORK.has(command.kind))
      return `${command.kind} at seq ${record.seq}, and the dispatcher is being drained`;
    if (command.kind !== "process.start") continue;
    const { workerId, containerId } = command;
    const wrong = misfit(workerId, world);
    if (wrong !== undefined) return `${containerId} is started on ${workerId}, ${wrong}`;
  }
  return undefined;
}

/** What is wrong with a worker on which something was just started. */
function misfit(workerId: string, { dispatcher }: World): string | undefined {
  const worker = dispatcher?.supervisor.readModel.get("worker", workerId);
  if (!dispatcher || !worker) return undefined;
  const { readModel, settings } = dispatcher.supervisor;
  const { idleBehavior, lifecycle } = worker.value;
  if (idleBehavior !== "run") return `which is to ${idleBehavior}`;
  if (lifecycle !== "running") return `which is ${lifecycle}`;
  const type = settings.instanceTypes[worker.context.instanceType];
  const containers = Object.keys(worker.context.processes);
  const { maxRunningContainersPerInstance: most } = settings;
  if (most > 0 && containers.length > most)
    return `which then has ${containers.length} of ${most} containers`;
  for (const what of ["vcpus", "ram", "scratch"] as const) {
    const needs = containers.map((id) => readModel.get("container", id)?.context.resources[what]);
    const sum = needs.reduce<number>((total, need = 0) => total + need, 0);
    if (type && sum > type[what]) return `which then needs ${sum} ${what} of ${type[what]}`;
  }
  return undefined;
}
