import type { FaultKind } from "../faults.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** Creates never exceed what waits for them, nor the limits that are configured. */
export function createsWithinNeed(): Invariant {
  /** By any config so far: what a run was allowed to ask for may come when less is allowed. */
  let allowed = 0;
  return {
    name: "createsWithinNeed",
    check(event, world) {
      if (event.type === "daemon.started")
        allowed = Math.max(allowed, world.config.settings.maxInstances || Infinity);
      if (event.type === "vm.created") return countVms(world, allowed);
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
  };
}

/** Faults that hide a VM from the dispatcher, which counts what it knows of. */
const HIDES_A_VM: readonly FaultKind[] = [
  "createFailsButExists",
  "listPartial",
  "listStale",
  "journalLost",
  "journalOlder",
];

function countVms({ cloud, faults }: World, allowed: number): string | undefined {
  const count = cloud.instanceIds.length;
  if (count <= allowed || HIDES_A_VM.some((kind) => faults.counts.has(kind))) return undefined;
  return `${count} VMs, and MaxInstances is ${allowed}`;
}

function judge({ record }: RecordEvent, world: World): string | undefined {
  return stillOpen(record.fact, world) ?? tooMany(record.decisions, world);
}

/** A create whose outcome is known holds no other one back. */
function stillOpen(fact: JournalRecord["fact"], { dispatcher }: World): string | undefined {
  if (fact.type !== "create.succeeded" && fact.type !== "create.failed") return undefined;
  const worker = dispatcher?.supervisor.readModel.get("worker", fact.workerId);
  return worker?.context.createOpen
    ? `the create of ${fact.workerId} is over, and counts as one in flight`
    : undefined;
}

function tooMany(decisions: JournalRecord["decisions"], world: World): string | undefined {
  const creates = decisions.filter((decision) => decision.do === "create");
  if (creates.length === 0 || !world.dispatcher) return undefined;
  const { readModel, settings } = world.dispatcher.supervisor;
  const workers = [...readModel.all("worker")];
  const { maxInstances, maxConcurrentInstanceCreateOps } = settings;
  if (maxInstances > 0 && workers.length > maxInstances)
    return `${workers.length} workers, and MaxInstances is ${maxInstances}`;
  const open = workers.filter(({ context }) => context.createOpen).length;
  if (maxConcurrentInstanceCreateOps > 0 && open > maxConcurrentInstanceCreateOps)
    return `${open} creates at once, and ${maxConcurrentInstanceCreateOps} are allowed`;
  const waiting = [...readModel.all("container")].filter(
    ({ value, context }) =>
      (value.record === "Queued" || value.record === "Locked") &&
      value.process === "absent" &&
      BigInt(context.priority) > 0n,
  );
  for (const { instanceType, container } of creates) {
    const booting = workers.filter(
      ({ value, context }) =>
        context.instanceType === instanceType &&
        value.idleBehavior === "run" &&
        (value.lifecycle === "creating" || value.lifecycle === "booting"),
    ).length;
    const eligible = waiting.filter(({ context }) => context.instanceTypes.includes(instanceType));
    if (booting > eligible.length)
      return `${booting} ${instanceType} boot for ${eligible.length} containers that may use them (${container})`;
  }
  return undefined;
}
