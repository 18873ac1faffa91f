import type { Core } from "../core/core.ts";
import type { Change } from "../core/draft.ts";
import type { SnapshotOf } from "../core/registry.ts";
import type { JournalRecord } from "../model/record.ts";
import type { Settings } from "../model/settings.ts";
import { stateSinceMs } from "../worker/worker.since.ts";
import { Cost } from "./cost.ts";
import { nameOfContainer } from "./names.ts";
import type { JournalVisitor } from "./visitor.ts";

type Worker = SnapshotOf["worker"];
type Container = SnapshotOf["container"];

interface LaneSpan {
  readonly state: Worker["value"]["lifecycle"];
  readonly fromMs: number;
  toMs: number | null;
}

interface LaneContainer {
  readonly containerId: string;
  /** As its user named it; "" where that is not known. */
  readonly containerName: string;
  readonly fromMs: number;
  toMs: number | null;
}

export interface Lane {
  readonly workerId: string;
  readonly instanceId: string;
  readonly instanceType: string;
  readonly price: number;
  readonly spans: readonly LaneSpan[];
  readonly containers: readonly LaneContainer[];
  readonly cost: number;
}

/** A slice of time: what happened in it, and how things stood at its end. */
export interface Bin {
  readonly fromMs: number;
  records: number;
  creates: number;
  workers: number;
  running: number;
  waiting: number;
}

export interface LanesRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly binsCount: number;
}

interface OpenLane {
  worker: Worker;
  readonly spans: LaneSpan[];
  readonly containers: LaneContainer[];
  readonly cost: Cost;
  /** What it had cost before the range. */
  costBefore: number;
  price: number;
}

/** Collects the lives of all workers side by side, and how busy the dispatcher was, from records in their order. */
export class LanesBuilder implements JournalVisitor {
  readonly #range: LanesRange;
  readonly #lanes = new Map<string, OpenLane>();
  readonly #bins: Bin[];
  #at = 0;
  #workers = 0;
  #running = 0;
  #waiting = 0;

  constructor(range: LanesRange) {
    this.#range = range;
    const { fromMs, toMs, binsCount } = range;
    const width = (toMs - fromMs) / binsCount;
    this.#bins = Array.from({ length: binsCount }, (_, at) => ({
      fromMs: Math.round(fromMs + at * width),
      records: 0,
      creates: 0,
      workers: 0,
      running: 0,
      waiting: 0,
    }));
  }

  begin(core: Core): void {
    const { registry, settings, atMs } = core;
    for (const [id, worker] of registry.entries("worker")) {
      const lane = this.#open(id, worker, core, stateSinceMs(worker) ?? atMs);
      lane.cost.begin(worker, settings);
      lane.costBefore = costUntil(worker, settings, Math.max(atMs, this.#range.fromMs));
      this.#workers++;
    }
    for (const [, container] of registry.entries("container")) this.#countContainer(container, 1);
    this.#passBins(Math.max(atMs, this.#range.fromMs));
  }

  see(record: JournalRecord, changes: readonly Change[], core: Core): void {
    const { atMs, type } = record.fact;
    this.#passBins(atMs);
    const bin = this.#bins[this.#at];
    if (bin) {
      bin.records++;
      bin.creates += record.commands.filter(({ kind }) => kind === "instance.create").length;
    }
    for (const change of changes) {
      if (change.kind === "worker") this.#seeWorker(change, atMs, core);
      else if (change.kind === "container") this.#seeContainer(change);
    }
    if (type === "config.loaded") this.#seePrices(atMs, core.settings);
  }

  finish(asOfMs: number): { lanes: Lane[]; bins: readonly Bin[] } {
    this.#passBins(Math.min(asOfMs, this.#range.toMs));
    this.#level(this.#bins[this.#at]);
    const endMs = Math.min(asOfMs, this.#range.toMs);
    const lanes = [...this.#lanes.values()].map((lane): Lane => {
      const { context } = lane.worker;
      return {
        workerId: context.workerId,
        instanceId: context.instanceId,
        instanceType: context.instanceType,
        price: lane.price,
        spans: lane.spans,
        containers: lane.containers,
        cost: Math.max(0, lane.cost.finish(endMs).amount - lane.costBefore),
      };
    });
    return { lanes, bins: this.#bins };
  }

  /** The bins that end before the moment stand as things are now. */
  #passBins(atMs: number): void {
    for (;;) {
      const next = this.#bins[this.#at + 1];
      if (!next || next.fromMs > atMs) return;
      this.#level(this.#bins[this.#at]);
      this.#at++;
    }
  }

  #level(bin: Bin | undefined): void {
    if (!bin) return;
    bin.workers = this.#workers;
    bin.running = this.#running;
    bin.waiting = this.#waiting;
  }

  #seeWorker(change: Change, atMs: number, core: Core): void {
    const { settings } = core;
    const { id, before, removed } = change;
    const worker = change.after as Worker;
    if (!before) this.#workers++;
    const lane = this.#lanes.get(id) ?? this.#open(id, worker, core, atMs);
    lane.worker = worker;
    const last = lane.spans.at(-1);
    if (last?.state !== worker.value.lifecycle) {
      if (last) last.toMs = atMs;
      lane.spans.push({ state: worker.value.lifecycle, fromMs: atMs, toMs: removed ? atMs : null });
    }
    followProcesses(lane, removed ? {} : worker.context.processes, atMs, core);
    lane.cost.follow(worker, atMs, { settings, ended: removed });
    lane.price = priceOf(worker, settings) ?? lane.price;
    if (removed) this.#workers--;
  }

  #open(id: string, worker: Worker, core: Core, sinceMs: number): OpenLane {
    const processes = Object.entries(worker.context.processes);
    const lane: OpenLane = {
      worker,
      spans: [{ state: worker.value.lifecycle, fromMs: sinceMs, toMs: null }],
      containers: processes.map(([containerId, process]) => ({
        containerId,
        containerName: nameOfContainer(core, containerId),
        fromMs: process.sinceMs,
        toMs: null,
      })),
      cost: new Cost(),
      costBefore: 0,
      price: priceOf(worker, core.settings) ?? 0,
    };
    this.#lanes.set(id, lane);
    return lane;
  }

  #seePrices(atMs: number, settings: Settings | null): void {
    for (const lane of this.#lanes.values()) {
      const isGone = lane.worker.value.lifecycle === "gone";
      if (!isGone) lane.cost.follow(lane.worker, atMs, { settings, ended: false });
      if (!isGone) lane.price = priceOf(lane.worker, settings) ?? lane.price;
    }
  }

  #seeContainer({ before, after, removed }: Change): void {
    if (before) this.#countContainer(before as Container, -1);
    if (!removed) this.#countContainer(after as Container, 1);
  }

  #countContainer({ value }: Container, change: 1 | -1): void {
    const { record, process } = value;
    if (process === "running" || process === "starting") this.#running += change;
    else if (record === "Queued" || record === "Locked") this.#waiting += change;
  }
}

function followProcesses(
  lane: OpenLane,
  processes: Worker["context"]["processes"],
  atMs: number,
  core: Core,
): void {
  const open = lane.containers.filter(({ toMs }) => toMs === null);
  for (const container of open)
    if (!Object.hasOwn(processes, container.containerId)) container.toMs = atMs;
  for (const containerId of Object.keys(processes)) {
    if (open.some((container) => container.containerId === containerId)) continue;
    const containerName = nameOfContainer(core, containerId);
    lane.containers.push({ containerId, containerName, fromMs: atMs, toMs: null });
  }
}

function costUntil(worker: Worker, settings: Settings | null, atMs: number): number {
  const cost = new Cost();
  cost.begin(worker, settings);
  return cost.finish(atMs).amount;
}

function priceOf({ context }: Worker, settings: Settings | null): number | undefined {
  const types = settings?.instanceTypes ?? {};
  return Object.hasOwn(types, context.instanceType)
    ? types[context.instanceType]?.price
    : undefined;
}
