import type { ReadModel } from "../actors/read-model.ts";
import { workerState } from "../machines/core/view.ts";
import type { WorkerSnapshot } from "../machines/worker/worker.machine.ts";
import { stateSinceMs } from "../machines/worker/worker.since.ts";
import type { KillSchedule } from "../machines/worker/worker.types.ts";
import { formOf, type Members } from "./form-of.ts";
import { typeNamed, type InstanceTypes } from "./instance-types.ts";
import { instant, instantOrNull } from "./instant.ts";
import {
  instanceSchema,
  workerRowSchema,
  workersAnswerSchema,
  type Instance,
  type Worker,
  type WorkerItem,
  type WorkerRow,
} from "./wire/worker.ts";
import { timeOrNull, wireTime } from "./wire-json.ts";

interface Known extends Pick<WorkerSnapshot, "value" | "context"> {
  readonly types: InstanceTypes;
  /** How this form writes a time. */
  readonly time: (atMs: number) => string;
}

const MEMBERS: Members<Worker, Known> = {
  worker_id: ({ context }) => context.workerId,
  instance_id: ({ context }) => context.instanceId,
  state: ({ value }) => workerState(value.lifecycle),
  lifecycle: ({ value }) => value.lifecycle,
  since: (known) => orNull(known.time, stateSinceMs(known)),
  idle_behavior: ({ value }) => value.idleBehavior,
  instance_type: ({ context }) => context.instanceType,
  provider_type: ({ context }) => context.providerType,
  price: ({ context, types }) => typeNamed(types, context.instanceType)?.price ?? 0,
  address: ({ context }) => context.address,
  container_uuids: ({ context }) => Object.keys(context.processes).sort(),
  processes: ({ context }) => processesOf(context),
  last_container_uuid: ({ context }) => context.lastContainerId,
  asked_for_at: ({ context, time }) => time(context.bornAtMs),
  ready_at: ({ context, time }) => orNull(time, context.readyAtMs),
  idle_until: ({ value, context, time }) =>
    orNull(time, value.idleBehavior === "hold" ? null : context.idleDeadlineAtMs),
  shutdown_reason: ({ context }) => context.shutdownReason,
  last_error: ({ context }) => context.lastError,
  destroy_refused: ({ context }) => refusalOf(context),
};

/** One that the cloud has not named yet is a create that is pending. */
const isPending = ({ context }: Known): boolean => context.instanceId === "";

const INSTANCE_MEMBERS: Members<Instance, Known> = {
  instance: MEMBERS.instance_id,
  address: MEMBERS.address,
  price: MEMBERS.price,
  arvados_instance_type: MEMBERS.instance_type,
  provider_instance_type: MEMBERS.provider_type,
  last_container_uuid: MEMBERS.last_container_uuid,
  last_busy: (known) => wireTime(isPending(known) ? null : known.context.busyAtMs),
  running_container_uuids: (known) => (isPending(known) ? null : MEMBERS.container_uuids(known)),
  worker_state: MEMBERS.state,
  idle_behavior: MEMBERS.idle_behavior,
};

const rowOfWorker = formOf(workerRowSchema, MEMBERS);
const itemOfWorker = formOf(workersAnswerSchema.shape.items.element, MEMBERS);
const instanceOfWorker = formOf(instanceSchema, INSTANCE_MEMBERS);

/** As the page shows it. */
export function workerRow({ value, context }: WorkerSnapshot, types: InstanceTypes): WorkerRow {
  return rowOfWorker({ value, context, types, time: instant });
}

/** All workers, oldest first. */
export function workerList(readModel: ReadModel, types: InstanceTypes): WorkerItem[] {
  return [...readModel.all("worker")]
    .sort(
      (a, b) =>
        a.context.bornAtMs - b.context.bornAtMs || byText(a.context.workerId, b.context.workerId),
    )
    .map(({ value, context }) => itemOfWorker({ value, context, types, time: wireTime }));
}

/** As the original lists them. Null where there is no worker at all (specification §11.3). */
export function instanceViews(readModel: ReadModel, types: InstanceTypes): Instance[] | null {
  const views = [...readModel.all("worker")]
    .sort((a, b) => byText(sortKey(a), sortKey(b)))
    .map(({ value, context }) => instanceOfWorker({ value, context, types, time: wireTime }));
  return views.length > 0 ? views : null;
}

function sortKey({ context }: WorkerSnapshot): string {
  return `${context.instanceId}\0${context.instanceType}`;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function orNull(time: Known["time"], atMs: number | null): string | null {
  return atMs === null ? null : time(atMs);
}

/** Destroys that the cloud refused in a row, since when, and when it is asked again, if a list still shows the instance. */
function refusalOf({
  destroyRefused,
  destroyNextAtMs,
}: Known["context"]): Worker["destroy_refused"] {
  if (!destroyRefused) return null;
  const { count, sinceMs, error } = destroyRefused;
  return { count, since: instant(sinceMs), next_at: instantOrNull(destroyNextAtMs), error };
}

function processesOf({ processes }: Known["context"]): Worker["processes"] {
  return Object.entries(processes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([containerId, { state, sinceMs, kill }]) => ({
      container_uuid: containerId,
      state,
      since: timeOrNull(sinceMs),
      kill: kill && killOf(kill),
    }));
}

function killOf(kill: KillSchedule): NonNullable<Worker["processes"][number]["kill"]> {
  return {
    reason: kill.reason,
    since: timeOrNull(kill.sinceMs),
    until: timeOrNull(kill.deadlineAtMs),
    given_up: kill.nextAtMs === null,
  };
}
