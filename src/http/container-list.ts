import type { ReadModel } from "../actors/read-model.ts";
import { rejectionOf } from "../machines/container/container.choice.ts";
import type { ContainerSnapshot } from "../machines/container/container.machine.ts";
import { formatPriority } from "../machines/model/amounts.ts";
import { timeOrNull } from "./wire-json.ts";

/** All containers in one of the states: first in the planner's order, then those that it does not see, by id. */
export function containerList(
  readModel: ReadModel,
  states: ReadonlySet<string> | undefined,
): object[] {
  const ranks = new Map(readModel.queue?.map(({ containerId }, rank) => [containerId, rank]));
  const texts = new Map(readModel.queue?.map(({ containerId, text }) => [containerId, text]));
  const rankOf = ({ context }: ContainerSnapshot): number =>
    ranks.get(context.containerId) ?? Number.MAX_SAFE_INTEGER;
  return [...readModel.all("container")]
    .filter(({ value }) => states?.has(value.record) ?? true)
    .sort(
      (a, b) => rankOf(a) - rankOf(b) || (a.context.containerId < b.context.containerId ? -1 : 1),
    )
    .map((container) =>
      containerJson(container, texts.get(container.context.containerId) ?? "", readModel),
    );
}

function containerJson(
  { value, context }: ContainerSnapshot,
  statusText: string,
  readModel: ReadModel,
): object {
  const { resources } = context;
  const waits = context.waitReason !== "";
  return {
    container_uuid: context.containerId,
    name: context.record?.name ?? "",
    state: value.record,
    operation: value.operation,
    process: value.process,
    priority: context.priority,
    given_priority: formatPriority(context.priority, context.createdAtMs),
    supervisor: context.supervisor,
    created_at: timeOrNull(context.createdAtMs),
    first_seen_at: timeOrNull(context.firstSeenAtMs),
    resources: {
      vcpus: resources.vcpus,
      ram: resources.ram,
      scratch: resources.scratch,
      gpus: resources.gpus,
      gpu_vram: resources.gpuVram,
    },
    instance_types: context.instanceTypes,
    processes: Object.entries(context.processes).map(([workerId, state]) => ({
      worker_id: workerId,
      instance_id: readModel.get("worker", workerId)?.context.instanceId ?? "",
      state,
    })),
    wait_reason: context.waitReason,
    waiting_since: timeOrNull(waits ? context.waitSinceMs : null),
    scheduling_status: statusText,
    rejection: rejectionOf({ value, context }),
    last_error: context.lastError,
    retry_at: timeOrNull(context.retryAtMs),
  };
}
