import type { ContainerSnapshot } from "../machines/container/container.machine.ts";
import type { Change } from "../machines/core/draft.ts";
import type { Registry } from "../machines/core/registry.ts";
import type { JournalRecord } from "../machines/model/record.ts";
import type { Settings } from "../machines/model/settings.ts";
import type { WorkerSnapshot } from "../machines/worker/worker.machine.ts";
import { thinned } from "./series.ts";
import type { SeriesPoint } from "./series.ts";

/** What a run came to, from its records alone: the same for one that was recorded and one that is simulated. */
export interface Summary {
  readonly fromAtMs: number;
  readonly toAtMs: number;
  readonly cost: number;
  readonly vmHours: number;
  /** Share of the VMs' VCPU time that containers asked for; null without VMs. */
  readonly utilisation: number | null;
  /** From first seen to its process; of those that got one. */
  readonly waitMs: { readonly p50: number; readonly p95: number; readonly max: number };
  readonly instances: number;
  readonly boots: number;
  readonly bootFailures: number;
  readonly createFailures: number;
  readonly quotaHits: number;
  readonly capacityHits: number;
  readonly containers: number;
  readonly complete: number;
  readonly cancelled: number;
  readonly instancesMax: number;
  readonly series: readonly SeriesPoint[];
}

interface Span {
  fromAtMs: number;
  readonly weight: number;
}

const HOUR_MS = 3_600_000;

/** Sums up a run while its records go by. */
export class Meter {
  #settings: Settings | null = null;
  #firstAtMs: number | undefined;
  #lastAtMs = 0;
  readonly #vms = new Map<string, { fromAtMs: number; price: number; vcpus: number }>();
  readonly #processes = new Map<string, Span>();
  readonly #waiting = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #started = new Set<string>();
  readonly #waitsMs: number[] = [];
  readonly #points: SeriesPoint[] = [];
  #cost = 0;
  #vmMs = 0;
  #vcpuMs = 0;
  #usedVcpuMs = 0;
  #counts = {
    instances: 0,
    boots: 0,
    bootFailures: 0,
    createFailures: 0,
    quotaHits: 0,
    capacityHits: 0,
    complete: 0,
    cancelled: 0,
  };

  /** What was the case before the first record, where that is a checkpoint. */
  begin(registry: Registry, settings: Settings | null, atMs: number): void {
    this.#settings = settings;
    if (registry.size("worker") + registry.size("container") === 0) return;
    this.#firstAtMs = this.#lastAtMs = atMs;
    for (const [id, worker] of registry.entries("worker"))
      this.#followWorker({ id, before: undefined, after: worker, removed: false }, atMs);
    for (const [id, container] of registry.entries("container"))
      this.#followContainer({ id, before: undefined, after: container, removed: false }, atMs);
  }

  follow({ fact }: JournalRecord, changes: readonly Change[]): void {
    if (fact.type === "config.loaded") this.#settings = fact.settings;
    const atMs = Math.max(fact.atMs, this.#lastAtMs);
    this.#firstAtMs ??= atMs;
    this.#lastAtMs = atMs;
    if (fact.type === "create.failed") {
      this.#counts.createFailures++;
      if (fact.failure.code === "quota") this.#counts.quotaHits++;
      if (fact.failure.code === "capacity") this.#counts.capacityHits++;
    }
    for (const change of changes) {
      if (change.kind === "worker") this.#followWorker(change, atMs);
      else if (change.kind === "container") this.#followContainer(change, atMs);
    }
    this.#addPoint(atMs);
  }

  /** `toAtMs`: until then what is still there is counted. */
  finish(toAtMs = this.#lastAtMs): Summary {
    for (const id of [...this.#vms.keys()]) this.#endVm(id, toAtMs);
    for (const id of [...this.#processes.keys()]) this.#endProcess(id, toAtMs);
    const waits = this.#waitsMs.sort((a, b) => a - b);
    return {
      fromAtMs: this.#firstAtMs ?? toAtMs,
      toAtMs,
      cost: this.#cost,
      vmHours: this.#vmMs / HOUR_MS,
      utilisation: this.#vcpuMs > 0 ? this.#usedVcpuMs / this.#vcpuMs : null,
      waitMs: { p50: quantile(waits, 0.5), p95: quantile(waits, 0.95), max: quantile(waits, 1) },
      ...this.#counts,
      containers: this.#seen.size,
      instancesMax: this.#points.reduce((max, { instances }) => Math.max(max, instances), 0),
      series: thinned(this.#points),
    };
  }

  #followWorker(change: Pick<Change, "id" | "before" | "after" | "removed">, atMs: number): void {
    const { id, removed } = change;
    const before = (change.before as WorkerSnapshot | undefined)?.context;
    const { context } = change.after as WorkerSnapshot;
    if (context.instanceId !== "" && !this.#vms.has(id) && !removed) {
      const type = this.#settings?.instanceTypes[context.instanceType];
      const { price = 0, vcpus = 0 } = type ?? {};
      this.#vms.set(id, { fromAtMs: atMs, price, vcpus });
      this.#counts.instances++;
    }
    if (removed) this.#endVm(id, atMs);
    if (context.bootOutcome === (before?.bootOutcome ?? null) || context.instanceId === "") return;
    if (context.bootOutcome === "success") this.#counts.boots++;
    else if (context.bootOutcome !== "aborted") this.#counts.bootFailures++;
  }

  #endVm(id: string, atMs: number): void {
    const vm = this.#vms.get(id);
    if (!vm) return;
    this.#vms.delete(id);
    const spanMs = atMs - vm.fromAtMs;
    this.#cost += (vm.price * spanMs) / HOUR_MS;
    this.#vmMs += spanMs;
    this.#vcpuMs += vm.vcpus * spanMs;
  }

  #followContainer(
    change: Pick<Change, "id" | "before" | "after" | "removed">,
    atMs: number,
  ): void {
    const { id } = change;
    const before = (change.before as ContainerSnapshot | undefined)?.value.record;
    const { value, context } = change.after as ContainerSnapshot;
    const { record, process } = value;
    if (context.record) this.#seen.add(id);
    if (record !== before && record === "Complete") this.#counts.complete++;
    if (record !== before && record === "Cancelled") this.#counts.cancelled++;
    const runs = process === "starting" || process === "running" || process === "unkillable";
    if (runs && !this.#processes.has(id))
      this.#processes.set(id, { fromAtMs: atMs, weight: context.resources.vcpus });
    if (!runs) this.#endProcess(id, atMs);
    if (runs) this.#started.add(id);
    const waits =
      (record === "Queued" || record === "Locked") && !runs && BigInt(context.priority) > 0n;
    if (waits && !change.removed) {
      // One that was started before waits for another try: that is not the queue's doing.
      if (!this.#waiting.has(id) && !this.#started.has(id))
        this.#waiting.set(id, context.firstSeenAtMs);
      return;
    }
    const sinceMs = this.#waiting.get(id);
    if (sinceMs === undefined) return;
    this.#waiting.delete(id);
    if (runs) this.#waitsMs.push(atMs - sinceMs);
  }

  #endProcess(id: string, atMs: number): void {
    const process = this.#processes.get(id);
    if (!process) return;
    this.#processes.delete(id);
    this.#usedVcpuMs += process.weight * (atMs - process.fromAtMs);
  }

  #addPoint(atMs: number): void {
    const point = {
      atMs,
      instances: this.#vms.size,
      running: this.#processes.size,
      waiting: this.#waiting.size,
    };
    const last = this.#points.at(-1);
    const { instances, running, waiting } = point;
    if (last?.instances === instances && last.running === running && last.waiting === waiting)
      return;
    if (last?.atMs === atMs) this.#points.pop();
    this.#points.push(point);
  }
}

/** Of an ascending list; 0 where it is empty. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
