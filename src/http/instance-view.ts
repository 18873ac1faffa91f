import type { ReadModel } from "../actors/read-model.ts";
import { workerState } from "../machines/core/view.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import type { WorkerSnapshot } from "../machines/worker/worker.machine.ts";
import { wireTime } from "./wire-json.ts";

type InstanceTypes = Readonly<Record<string, InstanceType>>;

/** Spec §7.12: the members in this order. Null where there is no worker at all (specification §11.3). */
export function instanceViews(readModel: ReadModel, types: InstanceTypes): object[] | null {
  const views = [...readModel.all("worker")]
    .sort((a, b) => byText(sortKey(a), sortKey(b)))
    .map((worker) => instanceView(worker, types));
  return views.length > 0 ? views : null;
}

function instanceView({ value, context }: WorkerSnapshot, types: InstanceTypes): object {
  const { instanceId } = context;
  const type = typeNamed(types, context.instanceType);
  // One that the cloud has not named yet is a create that is pending.
  const isPending = instanceId === "";
  return {
    instance: instanceId,
    address: context.address,
    price: type?.price ?? 0,
    arvados_instance_type: context.instanceType,
    provider_instance_type: context.providerType,
    last_container_uuid: context.lastContainerId,
    last_busy: wireTime(isPending ? null : context.busyAtMs),
    running_container_uuids: isPending ? null : Object.keys(context.processes).sort(),
    worker_state: workerState(value.lifecycle),
    idle_behavior: value.idleBehavior,
  };
}

/** A type's name comes from outside: `constructor` is none. */
export function typeNamed(types: InstanceTypes, name: string): InstanceType | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

function sortKey({ context }: WorkerSnapshot): string {
  return `${context.instanceId}\0${context.instanceType}`;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
