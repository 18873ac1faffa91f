import type { ContainerRow } from "../../wire/container.ts";
import type { WorkerRow } from "../../wire/worker.ts";
import { phaseOf, WORKER_STATES, type Phase } from "../ui/states.ts";

/** How large a cell is drawn. */
export type SizeClass = 0 | 1 | 2 | 3;

export function sizeClassOf(vcpus: number): SizeClass {
  if (vcpus <= 2) return 0;
  if (vcpus <= 8) return 1;
  return vcpus <= 32 ? 2 : 3;
}

const STATE_PLACE = new Map(WORKER_STATES.map((state, place) => [state, place]));

/** By state, the large ones first, then by type and id: a worker keeps its place while its state lasts. */
export function workerOrder(
  sizeOf: (type: string) => SizeClass,
): (a: WorkerRow, b: WorkerRow) => number {
  const placeOf = (row: WorkerRow) => STATE_PLACE.get(row.lifecycle) ?? 0;
  return (a, b) =>
    placeOf(a) - placeOf(b) ||
    sizeOf(b.instance_type) - sizeOf(a.instance_type) ||
    byText(a.instance_type, b.instance_type) ||
    byText(a.worker_id, b.worker_id);
}

export type QueueOrder = "queue" | "oldest" | "newest";

const PHASE_PLACE: Readonly<Record<Phase, number>> = {
  waiting: 0,
  starting: 1,
  running: 2,
  ending: 3,
  ended: 4,
  unlisted: 5,
};

/** `queue`: what waits first, by priority as the scheduler has it. */
export function containerOrder(order: QueueOrder): (a: ContainerRow, b: ContainerRow) => number {
  if (order === "oldest") return byAge;
  if (order === "newest") return (a, b) => byAge(b, a);
  return (a, b) =>
    PHASE_PLACE[phaseOf(a)] - PHASE_PLACE[phaseOf(b)] ||
    comparePriorities(b.priority, a.priority) ||
    byAge(a, b);
}

function byAge(a: ContainerRow, b: ContainerRow): number {
  return byText(a.created_at, b.created_at) || byText(a.container_uuid, b.container_uuid);
}

/** Beyond 2^53 they come as digits. */
function comparePriorities(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const difference = BigInt(a) - BigInt(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
