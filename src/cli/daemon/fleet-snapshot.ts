import type { ReadModel } from "../../actors/read-model.ts";
import { ONLY } from "../../machines/model/ids.ts";
import { workerState } from "../../machines/core/view.ts";
import type { InstanceType } from "../../machines/model/instance-type.ts";
import type { FleetSnapshot, WorkerSample } from "../../telemetry/fleet.ts";
import { ALARMS } from "./alarms.ts";
import type { Alarms } from "./alarms.ts";

export interface FleetSources {
  readonly nowMs: number;
  readonly readModel: ReadModel;
  readonly types: Readonly<Record<string, InstanceType>>;
  readonly lastGoodProbeAtMs: (workerId: string) => number;
  readonly last503AtMs: number | null;
  readonly maxContainers: number;
  readonly maxInstances: number;
  readonly journal: { readonly lagMs: number; readonly bytes: number };
  readonly alarms: Alarms;
}

/** What the gauges of specification §12 show, taken from what is durable. */
export function fleetSnapshot(sources: FleetSources): FleetSnapshot {
  const { nowMs, readModel, types, alarms } = sources;
  const workers: WorkerSample[] = [];
  for (const { value, context } of readModel.all("worker")) {
    if (value.lifecycle === "creating") continue;
    const type = types[context.instanceType];
    workers.push({
      state: workerState(value.lifecycle),
      idleBehavior: value.idleBehavior,
      instanceType: context.instanceType,
      price: type?.price ?? 0,
      vcpus: type?.vcpus ?? 0,
      ram: type?.ram ?? 0,
      runners: Object.keys(context.processes).length,
      lastGoodProbeAtMs: sources.lastGoodProbeAtMs(context.workerId),
    });
  }
  const instancesCount = readModel.count("worker");
  const { queue, scheduler } = queueOf(readModel, sources);
  const full = sources.maxInstances > 0 && instancesCount >= sources.maxInstances;
  return {
    nowMs,
    workers,
    instanceTypes: Object.keys(types),
    queue,
    journal: sources.journal,
    alarms: Object.fromEntries(ALARMS.map((alarm) => [alarm, alarms.isRaised(alarm)])),
    scheduler: {
      ...scheduler,
      atQuota: full || (readModel.get("quota", ONLY)?.value ?? "open") !== "open",
    },
  };
}

function queueOf(
  readModel: ReadModel,
  sources: FleetSources,
): Pick<FleetSnapshot, "queue"> & { scheduler: Omit<FleetSnapshot["scheduler"], "atQuota"> } {
  const entries = new Map<string, FleetSnapshot["queue"][number]>();
  let waitingSinceMs: number | null = null;
  for (const { value, context } of readModel.all("container")) {
    const state = value.record;
    if (state === "unlisted") continue;
    const instanceType = context.instanceTypes[0] ?? "";
    const key = `${state} ${instanceType}`;
    const before = entries.get(key)?.entries ?? 0;
    entries.set(key, { state, instanceType, entries: before + 1 });
    const waits = (state === "Queued" || state === "Locked") && value.process === "absent";
    if (waits && BigInt(context.priority) > 0n)
      waitingSinceMs = Math.min(waitingSinceMs ?? Infinity, context.createdAtMs);
  }
  return {
    queue: [...entries.values()],
    scheduler: {
      allocatedNotStarted: readModel.planMetrics?.containersAllocatedNotStarted ?? 0,
      notAllocatedOverQuota: readModel.planMetrics?.containersNotAllocatedOverQuota ?? 0,
      waitingSinceMs,
      last503AtMs: sources.last503AtMs,
      maxContainers: sources.maxContainers,
    },
  };
}
