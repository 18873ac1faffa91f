import type { Decision, Limits } from "../model/decision.ts";
import type { Settings } from "../model/settings.ts";
import { CloudRoom } from "./cloud-room.ts";
import { adapt, type Concurrency } from "./concurrency.ts";
import { Fleet, type Slot } from "./fleet.ts";
import { inQueueOrder } from "./order.ts";
import { statusText, type WaitStatus } from "./status-text.ts";
import type { PlanContainer, PlanMetrics, PlanView, QueueStatus } from "./view.ts";

export interface Schedule {
  readonly decisions: readonly Decision[];
  readonly limits: Limits;
  /** In the order in which the containers were considered. */
  readonly statuses: readonly QueueStatus[];
  readonly metrics: PlanMetrics;
  /** One more create was wanted than the throttles accept. */
  readonly declined: boolean;
}

/**
 * One pass over the queue (spec §6.5): what to lock, create, start, unlock and shut down. It differs from the original on
 * purpose where that has defects (spec §16): the quota limits instances, not containers that fit on those there are;
 * only instances that can be given up are; and a container with priority 0 is told so wherever it stands in the queue.
 */
export function schedule(view: PlanView, settings: Settings, limits: Limits): Schedule {
  return new Pass(view, settings, limits).run();
}

const NO_STATUS: WaitStatus = { reason: "" };
const PREPARING: WaitStatus = { reason: "preparing" };

/** How a container waits now; "stop" where nothing can be done for it or for those behind it before quota allows. */
type Outcome = WaitStatus | "stop";

class Pass {
  readonly #view: PlanView;
  readonly #fleet: Fleet;
  readonly #cloud: CloudRoom;
  readonly #concurrency: Concurrency;
  readonly #queue: readonly PlanContainer[];
  readonly #processes: ReadonlySet<string>;
  /** Of the queue's first ones, in its order. */
  readonly #statuses: WaitStatus[] = [];
  readonly #decisions: Decision[] = [];
  readonly #overSupervisors: PlanContainer[] = [];
  #overQuota: readonly PlanContainer[] = [];
  #tryingCount: number;
  #supervisorsCount = 0;
  #positionsCount = 0;
  #bootWaitCount = 0;
  /** A container was passed over for lack of a place: those behind it may not take what it waits for. */
  #passedOver = false;

  constructor(view: PlanView, settings: Settings, limits: Limits) {
    this.#view = view;
    this.#fleet = new Fleet(view, settings.maxRunningContainersPerInstance);
    this.#cloud = new CloudRoom(view);
    this.#queue = inQueueOrder(view);
    this.#processes = new Set(view.workers.flatMap((worker) => worker.containerIds));
    this.#tryingCount = view.running.size;
    this.#concurrency = adapt(view, settings, limits, {
      instancesCount: this.#cloud.namedCount,
      atQuota: this.#cloud.atQuota(),
    });
  }

  run(): Schedule {
    for (const container of this.#queue) {
      const status = this.#consider(container);
      if (status === "stop") {
        this.#overQuota = this.#queue.slice(this.#statuses.length).filter(wantsToRun);
        break;
      }
      this.#statuses.push(status);
    }
    const statuses = this.#finishStatuses();
    this.#unlock();
    this.#shutDown();
    return {
      decisions: this.#decisions,
      limits: this.#concurrency.limits,
      statuses,
      declined: this.#cloud.declined,
      metrics: {
        containersAllocatedNotStarted: this.#bootWaitCount,
        containersNotAllocatedOverQuota: this.#overQuota.length + this.#overSupervisors.length,
        maxSupervisors: this.#concurrency.supervisorsMax,
      },
    };
  }

  #consider(container: PlanContainer): Outcome {
    const { supervisorsMax } = this.#concurrency;
    if (container.supervisor) this.#supervisorsCount++;
    if (this.#view.running.has(container.containerId)) {
      return isWaiting(container) ? PREPARING : NO_STATUS;
    }
    if (container.priority < 1n) return { reason: "priorityZero", state: container.state };
    if (container.supervisor && supervisorsMax > 0 && this.#supervisorsCount > supervisorsMax) {
      return { reason: "supervisorLimit", position: this.#overSupervisors.push(container) };
    }
    if (container.state === "Queued") return this.#considerQueued(container);
    if (container.state === "Locked") return this.#considerLocked(container);
    return NO_STATUS;
  }

  #considerQueued(container: PlanContainer): Outcome {
    if (!this.#mayTry(container)) return NO_STATUS;
    const slot = this.#fleet.find(container);
    if (!slot && this.#cloud.atQuota()) return "stop";
    const type = slot ? undefined : this.#cloud.available(container);
    if (!slot && !type) return NO_STATUS;
    if (this.#killFirst(container, "about to lock")) return NO_STATUS;
    if (slot) this.#fleet.reserve(slot, container);
    if (container.busy) return NO_STATUS;
    this.#decisions.push({
      do: "lock",
      container: container.containerId,
      reason: slot
        ? `next in the queue, and there is room on ${nameOf(slot)}`
        : `next in the queue, and a new ${type?.name} instance can be created for it`,
    });
    return NO_STATUS;
  }

  #considerLocked(container: PlanContainer): Outcome {
    // It is being unlocked or cancelled: whatever we did now would come too late.
    if (container.busy) return NO_STATUS;
    if (!this.#mayTry(container)) return NO_STATUS;
    const slot = this.#fleet.find(container);
    if (slot) return this.#use(slot, container);
    if (this.#cloud.atQuota()) return "stop";
    const type = this.#cloud.available(container);
    if (!type) {
      const { instanceTypes } = container;
      return { reason: "typeAtCapacity", position: ++this.#positionsCount, instanceTypes };
    }
    if (!this.#cloud.create(type)) return NO_STATUS;
    this.#fleet.add(type, container);
    this.#decisions.push({
      do: "create",
      container: container.containerId,
      instanceType: type.name,
      reason:
        type.name === container.instanceTypes[0]
          ? "no instance has room for it, and this is its cheapest eligible type"
          : "no instance has room for it, and this is its cheapest eligible type that has capacity",
    });
    return this.#waitForBoot(type.name);
  }

  #use(slot: Slot, container: PlanContainer): WaitStatus {
    const { worker } = slot;
    const othersCount = slot.containersCount;
    this.#fleet.reserve(slot, container);
    if (worker.instanceId === "" || !slot.ready) return this.#waitForBoot(worker.instanceType);
    if (this.#killFirst(container, "about to start")) return { reason: "previousAttempt" };
    if (this.#view.declinesStart.has(worker.workerId)) {
      return this.#waitForBoot(worker.instanceType);
    }
    this.#decisions.push({
      do: "start",
      container: container.containerId,
      worker: worker.workerId,
      reason:
        othersCount === 0
          ? `${nameOf(slot)} is empty and ready`
          : `there is room on ${nameOf(slot)} beside ${othersCount} other containers`,
    });
    return PREPARING;
  }

  /**
   * Whether the limit on containers at once lets this one be tried; if so it counts. At quota it is the number of
   * instances, which must not keep out what fits on those (spec §16.3).
   */
  #mayTry(container: PlanContainer): boolean {
    const { limits, placedMax } = this.#concurrency;
    if (!isBelow(this.#tryingCount, limits.maxContainers)) {
      if (this.#passedOver || !isBelow(this.#tryingCount, placedMax)) return false;
      if (!this.#fleet.find(container)) {
        this.#passedOver = true;
        return false;
      }
    }
    this.#tryingCount++;
    return true;
  }

  /** Whether a worker still names a process of it that no longer counts as running: it has to end first. */
  #killFirst(container: PlanContainer, reason: string): boolean {
    if (!this.#processes.has(container.containerId)) return false;
    if (!container.busy) {
      this.#decisions.push({ do: "kill", container: container.containerId, reason });
    }
    return true;
  }

  #waitForBoot(instanceType: string): WaitStatus {
    this.#bootWaitCount++;
    return { reason: "booting", instanceType };
  }

  #finishStatuses(): QueueStatus[] {
    const reason = this.#cloud.atQuota() ? "atQuota" : "atCapacity";
    return this.#queue.map((container, index) => {
      let status = this.#statuses[index] ?? NO_STATUS;
      if (status.reason === "" && isWaiting(container)) {
        status =
          container.priority < 1n
            ? { reason: "priorityZero", state: container.state }
            : { reason, position: ++this.#positionsCount };
      }
      const { containerId } = container;
      return { containerId, reason: status.reason, text: statusText(status) };
    });
  }

  /**
   * The next in line keeps its lock, so that waiting for quota does not use up its attempts; unless there is no instance
   * whose end it could wait for, or nobody behind it.
   */
  #unlock(): void {
    const { supervisorsMax } = this.#concurrency;
    const nextKeepsLock = this.#cloud.namedCount > 0 && this.#overQuota.length > 1;
    for (const container of this.#overSupervisors) {
      this.#unlockOne(container, `${supervisorsMax} workflows are the limit now`);
    }
    for (const container of this.#overQuota.slice(nextKeepsLock ? 1 : 0)) {
      this.#unlockOne(container, "no instance has room for it, and the cloud's quota is reached");
    }
  }

  #unlockOne({ containerId, state, busy }: PlanContainer, reason: string): void {
    if (state !== "Locked" || busy) return;
    this.#decisions.push({ do: "unlock", container: containerId, reason });
  }

  #shutDown(): void {
    const next = this.#overQuota[0];
    if (!next) return;
    for (const { worker } of this.#fleet.empty()) {
      const { instanceId, state, idleBehavior } = worker;
      if (instanceId === "" || idleBehavior === "hold") continue;
      if (state !== "idle" && state !== "booting") continue;
      this.#decisions.push({
        do: "shutdown",
        worker: worker.workerId,
        reason: `the cloud's quota is reached, and ${next.containerId} needs another instance`,
      });
    }
  }
}

function isBelow(count: number, max: number): boolean {
  return max === 0 || count < max;
}

function isWaiting(container: PlanContainer): boolean {
  return container.state === "Queued" || container.state === "Locked";
}

function wantsToRun(container: PlanContainer): boolean {
  return isWaiting(container) && container.priority >= 1n;
}

function nameOf(slot: Slot): string {
  const { instanceId, instanceType } = slot.worker;
  return instanceId === "" ? `a new ${instanceType} instance` : `${instanceType} ${instanceId}`;
}
