import type { ReadModel } from "../actors/read-model.ts";
import { workerState } from "../machines/core/view.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import type { WorkerSnapshot } from "../machines/worker/worker.machine.ts";
import type { KillSchedule } from "../machines/worker/worker.types.ts";
import { typeNamed } from "./instance-view.ts";
import { instant, instantOrNull } from "./instant.ts";
import type { RefusalJson } from "./wire/rows.ts";
import { timeOrNull } from "./wire-json.ts";

/** All workers, oldest first. */
export function workerList(
  readModel: ReadModel,
  types: Readonly<Record<string, InstanceType>>,
): object[] {
  return [...readModel.all("worker")]
    .sort((a, b) => a.context.bornAtMs - b.context.bornAtMs || byId(a, b))
    .map((worker) => workerJson(worker, typeNamed(types, worker.context.instanceType)));
}

function byId(a: WorkerSnapshot, b: WorkerSnapshot): number {
  return a.context.workerId < b.context.workerId ? -1 : 1;
}

function workerJson(worker: WorkerSnapshot, type: InstanceType | undefined): object {
  const { value, context } = worker;
  return {
    worker_id: context.workerId,
    instance_id: context.instanceId,
    state: workerState(value.lifecycle),
    /** Tells `creating` from `booting`. */
    lifecycle: value.lifecycle,
    since: timeOrNull(stateSinceMs(worker)),
    idle_behavior: value.idleBehavior,
    instance_type: context.instanceType,
    provider_type: context.providerType,
    price: type?.price ?? 0,
    address: context.address,
    processes: processesJson(worker),
    last_container_uuid: context.lastContainerId,
    asked_for_at: timeOrNull(context.bornAtMs),
    ready_at: timeOrNull(context.readyAtMs),
    /** When it will be shut down if it stays idle. */
    idle_until: timeOrNull(value.idleBehavior === "hold" ? null : context.idleDeadlineAtMs),
    shutdown_reason: context.shutdownReason,
    last_error: context.lastError,
    destroy_refused: refusalJson(context),
  };
}

/** Destroys that the cloud refused in a row, since when, and when it is asked again, if a list still shows the instance. */
export function refusalJson({
  destroyRefused,
  destroyNextAtMs,
}: WorkerSnapshot["context"]): RefusalJson | null {
  if (!destroyRefused) return null;
  const { count, sinceMs, error } = destroyRefused;
  return { count, since: instant(sinceMs), next_at: instantOrNull(destroyNextAtMs), error };
}

export function stateSinceMs({ value, context }: WorkerSnapshot): number | null {
  switch (value.lifecycle) {
    case "creating":
      return context.bornAtMs;
    case "unknown":
    case "booting":
      return context.appearedAtMs;
    case "idle":
      return context.busyAtMs;
    case "running":
      return Math.min(...Object.values(context.processes).map(({ sinceMs }) => sinceMs));
    case "shutdown":
    case "gone":
      return context.destroyedAtMs;
    default:
      return value.lifecycle satisfies never;
  }
}

function processesJson({ context }: WorkerSnapshot): object[] {
  return Object.entries(context.processes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([containerId, { state, sinceMs, kill }]) => ({
      container_uuid: containerId,
      state,
      since: timeOrNull(sinceMs),
      kill: kill && killJson(kill),
    }));
}

function killJson(kill: KillSchedule): object {
  return {
    reason: kill.reason,
    since: timeOrNull(kill.sinceMs),
    until: timeOrNull(kill.deadlineAtMs),
    given_up: kill.nextAtMs === null,
  };
}
