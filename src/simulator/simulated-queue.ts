import { QueueError } from "../drivers/queue/port.ts";
import type { OperationResult, Queue, QueuePoll } from "../drivers/queue/port.ts";
import type { Clock } from "../actors/clock.ts";
import type { ContainerEnd, ContainerRecord, ContainerState } from "../machines/model/fact.ts";
import { wait } from "./wait.ts";
import type { WorldTale } from "./world-event.ts";

/** A container at the simulated controller. */
export interface SimulatedContainer {
  readonly containerId: string;
  record: ContainerRecord;
  lockCount: number;
  /** How long its command runs, and how it ends. */
  readonly durationMs: number;
  readonly exitCode: number;
  /** Every time that a runner moved it to Running, and every end: more than one of either is a bug. */
  startsCount: number;
  endsCount: number;
  finishedAtMs: number | null;
}

export interface SimulatedQueueOptions {
  readonly clock: Clock;
  readonly maxDispatchAttempts: number;
  /** How long a call takes. */
  readonly latencyMs: () => number;
  readonly tell?: (tale: WorldTale) => void;
}

/** A controller that keeps Arvados' rules (specification §3), in memory and on the simulation's clock. */
export class SimulatedQueue implements Queue {
  readonly containers = new Map<string, SimulatedContainer>();
  /** The records of those that a poll shows to everybody. */
  readonly #wanted = new Map<string, ContainerRecord>();
  readonly #options: SimulatedQueueOptions;
  #last503AtMs: number | null = null;
  /** Answers the next calls with HTTP 503. */
  unavailableCalls = 0;
  /** Runners that wait until it can be reached again; null while it can. */
  #waiting: Set<() => void> | null = null;

  constructor(options: SimulatedQueueOptions) {
    this.#options = options;
  }

  submit(
    containerId: string,
    container: Pick<SimulatedContainer, "record" | "durationMs" | "exitCode">,
  ): void {
    const submitted: SimulatedContainer = {
      ...container,
      containerId,
      lockCount: 0,
      startsCount: 0,
      endsCount: 0,
      finishedAtMs: null,
    };
    this.containers.set(containerId, submitted);
    this.#put(submitted, container.record);
  }

  last503AtMs(): number | null {
    return this.#last503AtMs;
  }

  /** What is ours, what waits, and what became of those whose end the caller has not heard of (specification §4.3). */
  async poll(open: Iterable<string>): Promise<QueuePoll> {
    const entries = new Map(this.#wanted);
    const others: string[] = [];
    for (const containerId of open) if (!entries.has(containerId)) others.push(containerId);
    for (const containerId of others.sort()) {
      const container = this.containers.get(containerId);
      if (container) entries.set(containerId, container.record);
    }
    const ends = new Map<string, ContainerEnd>();
    for (const [containerId, { state }] of entries) {
      const exitCode = this.containers.get(containerId)?.exitCode ?? 0;
      if (state === "Complete") ends.set(containerId, { exitCode, error: "", warning: "" });
    }
    await this.#latency();
    this.#mayBeUnavailable();
    return { entries, ends, deleted: new Set(), rejected: new Map(), namelessRows: 0 };
  }

  async tmpMounts(): Promise<number> {
    await this.#latency();
    return 0;
  }

  async lock(containerId: string): Promise<OperationResult> {
    await this.#latency();
    const container = this.#find(containerId);
    const { state, priority } = container.record;
    if (state !== "Queued") throw refusal(`cannot lock when ${state}`);
    if (BigInt(priority) <= 0n) throw refusal("cannot lock when priority<=0");
    container.lockCount++;
    return this.#become(container, "Locked", "dispatcher");
  }

  async unlock(containerId: string): Promise<OperationResult> {
    await this.#latency();
    const container = this.#find(containerId);
    if (container.record.state !== "Locked")
      throw refusal(`cannot unlock when ${container.record.state}`);
    const spent = container.lockCount >= this.#options.maxDispatchAttempts;
    return this.#become(container, spent ? "Cancelled" : "Queued", "dispatcher");
  }

  /** Of what is Complete as well: Arvados lets it be (specification §3). */
  async cancel(containerId: string): Promise<OperationResult> {
    await this.#latency();
    const container = this.#find(containerId);
    if (container.record.state === "Cancelled") throw refusal("cannot cancel when Cancelled");
    return this.#become(container, "Cancelled", "dispatcher");
  }

  /** As a user does. */
  setPriority(containerId: string, priority: string): void {
    const container = this.containers.get(containerId);
    if (container) this.#put(container, { ...container.record, priority });
  }

  /** As an admin does: the lock is gone, and its holder is not told. */
  takeLock(containerId: string): void {
    const container = this.containers.get(containerId);
    if (container?.record.state === "Locked") this.#become(container, "Queued", "user");
  }

  get isDown(): boolean {
    return this.#waiting !== null;
  }

  goDown(): void {
    this.#waiting ??= new Set();
  }

  comeUp(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const tryAgain of waiting) tryAgain();
  }

  /** Calls back once it can be reached again. Returns how to give that up. */
  whenUp(tryAgain: () => void): () => void {
    this.#waiting?.add(tryAgain);
    return () => this.#waiting?.delete(tryAgain);
  }

  /** As a runner does: false when the record is not Locked. */
  begin(containerId: string): boolean {
    const container = this.containers.get(containerId);
    if (container?.record.state !== "Locked") return false;
    container.startsCount++;
    this.#become(container, "Running", "runner");
    return true;
  }

  /** As a runner does: false when the record is no longer Running. */
  end(containerId: string, state: "Complete" | "Cancelled"): boolean {
    const container = this.containers.get(containerId);
    if (container?.record.state !== "Running") return false;
    this.#become(container, state, "runner");
    return true;
  }

  #become(
    container: SimulatedContainer,
    state: ContainerState,
    by: "dispatcher" | "runner" | "user",
  ): OperationResult {
    const ended = state === "Complete" || state === "Cancelled";
    if (ended && container.finishedAtMs === null) {
      container.endsCount++;
      container.finishedAtMs = this.#options.clock.nowMs();
    }
    this.#put(container, { ...container.record, state });
    this.#options.tell?.({
      type: "container.moved",
      containerId: container.containerId,
      state,
      by,
    });
    return { state, priority: container.record.priority };
  }

  #put(container: SimulatedContainer, record: ContainerRecord): void {
    container.record = record;
    if (isWanted(record)) this.#wanted.set(container.containerId, record);
    else this.#wanted.delete(container.containerId);
  }

  #find(containerId: string): SimulatedContainer {
    this.#mayBeUnavailable();
    const container = this.containers.get(containerId);
    if (!container)
      throw new QueueError(
        { code: "notFound", message: `no container ${containerId}` },
        { status: 404 },
      );
    return container;
  }

  #mayBeUnavailable(): void {
    if (this.unavailableCalls === 0) return;
    this.unavailableCalls--;
    this.#last503AtMs = this.#options.clock.nowMs();
    throw new QueueError(
      { code: "unavailable", message: "503 Service Unavailable" },
      { status: 503 },
    );
  }

  #latency(): Promise<void> {
    return wait(this.#options.clock, this.#options.latencyMs());
  }
}

function isWanted({ state, priority }: ContainerRecord): boolean {
  return state === "Locked" || state === "Running" || (state === "Queued" && priority !== "0");
}

function refusal(message: string): QueueError {
  return new QueueError({ code: "refused", message }, { status: 422 });
}
