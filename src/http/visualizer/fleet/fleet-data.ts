import { computed, effect, signal } from "@preact/signals";
import type { ContainerRow } from "../../wire/container.ts";
import type { Lifecycle, WorkerRow } from "../../wire/worker.ts";
import { route } from "../routing.ts";
import { store } from "../session.ts";
import { SortedIndex } from "../store/sorted-index.ts";
import { WORKER_STATES } from "../ui/states.ts";
import { containerFilter, workerFilter, type Filter } from "./filter.ts";
import {
  containerOrder,
  sizeClassOf,
  workerOrder,
  type QueueOrder,
  type SizeClass,
} from "./order.ts";

/** The filter stands in the address, so that what was found can be shared. */
export const filter = computed<Filter>(() => {
  const { q = "", type = "", state = "" } = route.value.query;
  return { text: q, type, state };
});

export const queueOrder = signal<QueueOrder>("queue");

const idOfWorker = (row: WorkerRow) => row.worker_id;
const idOfContainer = (row: ContainerRow) => row.container_uuid;

export function sizeOfType(name: string): SizeClass {
  return sizeClassOf(store.facts.peek()?.instanceTypes.get(name)?.vcpus ?? 1);
}

const all = { matches: () => true };
const workers = new SortedIndex(store.workers, idOfWorker, {
  ...all,
  compare: workerOrder(sizeOfType),
});
const containers = new SortedIndex(store.containers, idOfContainer, {
  ...all,
  compare: containerOrder("queue"),
});

const words = computed(() => store.facts.value?.waitTexts ?? {});

effect(() => {
  workers.select({ matches: workerFilter(filter.value), compare: workerOrder(sizeOfType) });
});
effect(() => {
  containers.select({
    matches: containerFilter(filter.value, words.value),
    compare: containerOrder(queueOrder.value),
  });
});

export interface Column {
  readonly state: Lifecycle;
  readonly rows: readonly WorkerRow[];
  /** How many are of each size, the largest first. */
  readonly sizes: readonly { readonly size: SizeClass; readonly count: number }[];
}

/** The workers that the filter lets through, by state. */
export const columns = computed<readonly Column[]>(() => {
  void workers.version.value;
  const byState = new Map(WORKER_STATES.map((state) => [state, [] as WorkerRow[]]));
  for (const row of workers.rows) byState.get(row.lifecycle)?.push(row);
  return [...byState].map(([state, rows]) => ({ state, rows, sizes: sizesOf(rows) }));
});

export const queue = computed<readonly ContainerRow[]>(() => {
  void containers.version.value;
  return containers.rows;
});

function sizesOf(rows: readonly WorkerRow[]): Column["sizes"] {
  const counts = [0, 0, 0, 0];
  for (const { instance_type } of rows) {
    const size = sizeOfType(instance_type);
    counts[size] = (counts[size] ?? 0) + 1;
  }
  return ([3, 2, 1, 0] as const).map((size) => ({ size, count: counts[size] ?? 0 }));
}
