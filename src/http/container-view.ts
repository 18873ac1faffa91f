import type { ReadModel } from "../actors/read-model.ts";
import { rejectionOf } from "../machines/container/container.rejection.ts";
import type { ContainerSnapshot } from "../machines/container/container.machine.ts";
import { formatPriority } from "../machines/model/amounts.ts";
import { formOf, type Members } from "./form-of.ts";
import { instant } from "./instant.ts";
import {
  containerRowSchema,
  containersAnswerSchema,
  type Container,
  type ContainerItem,
  type ContainerRow,
} from "./wire/container.ts";
import { wireTime } from "./wire-json.ts";

interface Known extends Pick<ContainerSnapshot, "value" | "context"> {
  /** How this form writes a time. */
  readonly time: (atMs: number) => string;
}

/** What only a living dispatcher can tell with it. */
interface Listed extends Known {
  readonly readModel: ReadModel;
  readonly statusText: string;
}

const MEMBERS: Members<Omit<Container, "processes" | "scheduling_status">, Known> = {
  container_uuid: ({ context }) => context.containerId,
  name: ({ context }) => context.record?.name ?? "",
  record: ({ value }) => value.record,
  state: ({ value }) => value.record,
  operation: ({ value }) => value.operation,
  process: ({ value }) => value.process,
  // As its digits: `wireJson` writes the integer.
  priority: ({ context }) => context.priority,
  given_priority: ({ context }) => formatPriority(context.priority, context.createdAtMs),
  supervisor: ({ context }) => context.supervisor,
  created_at: ({ context, time }) => time(context.createdAtMs),
  first_seen_at: ({ context, time }) => time(context.firstSeenAtMs),
  worker_ids: ({ context }) => Object.keys(context.processes).sort(),
  resources: ({ context: { resources } }) => ({
    vcpus: resources.vcpus,
    ram: resources.ram,
    scratch: resources.scratch,
    gpus: resources.gpus,
    gpu_vram: resources.gpuVram,
  }),
  instance_types: ({ context }) => [...context.instanceTypes],
  wait_reason: ({ context }) => context.waitReason,
  waiting_since: ({ context, time }) =>
    orNull(time, context.waitReason === "" ? null : context.waitSinceMs),
  rejection: rejectionOf,
  last_error: ({ context }) => context.lastError,
  retry_at: ({ context, time }) => orNull(time, context.retryAtMs),
};

const LISTED_MEMBERS: Members<Container, Listed> = {
  ...MEMBERS,
  processes: ({ context, readModel }) =>
    Object.entries(context.processes).map(([workerId, state]) => ({
      worker_id: workerId,
      instance_id: readModel.get("worker", workerId)?.context.instanceId ?? "",
      state,
    })),
  scheduling_status: ({ statusText }) => statusText,
};

const rowOfContainer = formOf(containerRowSchema, MEMBERS);
const itemOfContainer = formOf(containersAnswerSchema.shape.items.element, LISTED_MEMBERS);

/** As the page shows it. */
export function containerRow({ value, context }: ContainerSnapshot): ContainerRow {
  return rowOfContainer({ value, context, time: instant });
}

/** All containers in one of the states: first in the planner's order, then those that it does not see, by id. */
export function containerList(
  readModel: ReadModel,
  states: ReadonlySet<string> | undefined,
): ContainerItem[] {
  const ranks = new Map(readModel.queue?.map(({ containerId }, rank) => [containerId, rank]));
  const texts = new Map(readModel.queue?.map(({ containerId, text }) => [containerId, text]));
  const rankOf = ({ context }: ContainerSnapshot): number =>
    ranks.get(context.containerId) ?? Number.MAX_SAFE_INTEGER;
  return [...readModel.all("container")]
    .filter(({ value }) => states?.has(value.record) ?? true)
    .sort(
      (a, b) => rankOf(a) - rankOf(b) || (a.context.containerId < b.context.containerId ? -1 : 1),
    )
    .map(({ value, context }) => {
      const statusText = texts.get(context.containerId) ?? "";
      return itemOfContainer({ value, context, readModel, statusText, time: wireTime });
    });
}

function orNull(time: Known["time"], atMs: number | null): string | null {
  return atMs === null ? null : time(atMs);
}
