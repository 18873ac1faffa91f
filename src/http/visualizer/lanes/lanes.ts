import type { Lifecycle } from "../../wire/worker.ts";
import type { TimelineAnswer, TimelineLane } from "../../wire/timeline.ts";
import { countFirst, type Stretch } from "../time/warp.ts";

export interface LaneSpan extends Stretch {
  readonly state: Lifecycle;
}

export interface LaneContainer extends Stretch {
  readonly id: string;
  /** As its user named it, or "". */
  readonly name: string;
  /** Below each other where several ran at once, from 0. */
  readonly row: number;
}

/** A worker's life with what it ran. */
export interface Lane {
  readonly workerId: string;
  readonly instanceId: string;
  readonly type: string;
  readonly cost: number;
  readonly spans: readonly LaneSpan[];
  readonly containers: readonly LaneContainer[];
  /** How many containers it ran at once, at most. */
  readonly rows: number;
}

export const LANE_ORDERS = ["start", "cost", "type"] as const;
export type LaneOrder = (typeof LANE_ORDERS)[number];

export function readLanes({ workers, to }: Pick<TimelineAnswer, "workers" | "to">): Lane[] {
  const untilMs = Date.parse(to);
  return workers.map((worker) => readLane(worker, untilMs));
}

function readLane(worker: TimelineLane, untilMs: number): Lane {
  const { worker_id, instance_id, instance_type, cost } = worker;
  const stretch = ({ from, to }: { from: string; to: string | null }): Stretch => {
    const fromMs = Date.parse(from);
    return { fromMs, toMs: to === null ? Math.max(untilMs, fromMs) : Date.parse(to) };
  };
  const containers = packed(
    worker.containers.map(({ container_uuid, container_name, ...times }) => ({
      id: container_uuid,
      name: container_name,
      ...stretch(times),
    })),
  );
  return {
    workerId: worker_id,
    instanceId: instance_id,
    type: instance_type,
    cost,
    spans: worker.spans.map(({ state, ...times }) => ({ state, ...stretch(times) })),
    containers,
    rows: containers.reduce((most, { row }) => Math.max(most, row + 1), 0),
  };
}

/** Each in the first row that is free by then. */
function packed(runs: readonly Omit<LaneContainer, "row">[]): LaneContainer[] {
  const freeFromMs: number[] = [];
  const inOrder = [...runs].sort((a, b) => a.fromMs - b.fromMs || (a.id < b.id ? -1 : 1));
  return inOrder.map((run) => {
    const free = freeFromMs.findIndex((ms) => ms <= run.fromMs);
    const row = free < 0 ? freeFromMs.length : free;
    freeFromMs[row] = run.toMs;
    return { ...run, row };
  });
}

/** `text` is looked for in ids and types of workers, and in ids and names of what they ran. */
export function findLanes(lanes: readonly Lane[], text: string): Lane[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [...lanes];
  const has = (value: string): boolean => value.toLowerCase().includes(wanted);
  return lanes.filter(
    ({ workerId, instanceId, type, containers }) =>
      has(workerId) ||
      has(instanceId) ||
      has(type) ||
      containers.some(({ id, name }) => has(id) || has(name)),
  );
}

export function sortLanes(lanes: readonly Lane[], order: LaneOrder): Lane[] {
  const byStart = (a: Lane, b: Lane): number => startOf(a) - startOf(b);
  const by: Record<LaneOrder, (a: Lane, b: Lane) => number> = {
    start: byStart,
    cost: (a, b) => b.cost - a.cost || byStart(a, b),
    type: (a, b) => (a.type === b.type ? byStart(a, b) : a.type < b.type ? -1 : 1),
  };
  return [...lanes].sort(by[order]);
}

function startOf({ spans }: Lane): number {
  return spans[0]?.fromMs ?? 0;
}

/** With what they cost within a part of the time; who is not in `costs` was not there. */
export function withCosts(lanes: readonly Lane[], costs: ReadonlyMap<string, number>): Lane[] {
  return lanes.map((lane) => ({ ...lane, cost: costs.get(lane.workerId) ?? 0 }));
}

export function totalCost(lanes: readonly Lane[]): number {
  return lanes.reduce((sum, { cost }) => sum + cost, 0);
}

/** Those that have something to show between the two. */
export function lanesWithin(lanes: readonly Lane[], { fromMs, toMs }: Stretch): Lane[] {
  return lanes.filter(({ spans }) =>
    spans.some((span) => span.fromMs <= toMs && span.toMs >= fromMs),
  );
}

export interface LaneSizes {
  /** Of a lane's own bar with its margin, and of each row of containers. */
  readonly barPx: number;
  readonly rowPx: number;
}

/** Where each lane begins, from the top; one more entry than lanes: the whole height. */
export function laneTops(lanes: readonly Lane[], { barPx, rowPx }: LaneSizes): number[] {
  const tops = [0];
  for (const { rows } of lanes) tops.push((tops.at(-1) ?? 0) + barPx + rows * rowPx);
  return tops;
}

/** First and last lane that is seen between two heights; none where the last is before the first. */
export function lanesSeen(
  tops: readonly number[],
  topPx: number,
  bottomPx: number,
): { first: number; last: number } {
  const countAbove = (px: number): number => countFirst(tops.length, (n) => (tops[n] ?? 0) <= px);
  return {
    first: Math.max(0, countAbove(topPx) - 1),
    last: Math.min(tops.length - 2, countAbove(bottomPx) - 1),
  };
}
