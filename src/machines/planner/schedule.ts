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
}

/**
 * One pass over the queue (spec §6.5): what to lock, create, start, unlock and shut down. It differs from the original on
 * purpose where that has defects (spec §16): the quota limits instances, not containers that fit on those there are;
 * only instances that can be given up are; and a container with priority 0 is told so wherever it stands in the queue.
 */
export function schedule(view: PlanView, settings: Settings, limits: Limits): Schedule {
  return new Pass(view, settings, limits).run();
}

type Next = "next" | "stop";

class Pass {
  readonly #view: PlanView;
  readonly #fleet: Fleet;
  readonly #cloud: CloudRoom;
  readonly #concurrency: Concurrency;
  readonly #queue: readonly PlanContainer[];
  readonly #processes: ReadonlySet<string>;
  readonly #statuses = new Map<PlanContainer, WaitStatus>();
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
    for (const [index, container] of this.#queue.entries()) {
      if (this.#consider(container) === "next") continue;
      this.#overQuota = this.#queue.slice(index).filter(wantsToRun);
      break;
    }
    const statuses = this.#finishStatuses();
    this.#unlock();
    this.#shutDown();
    return {
      decisions: this.#decisions,
      limits: this.#concurrency.limits,
      statuses,
      metrics: {
        containersAllocatedNotStarted: this.#bootWaitCount,
        containersNotAllocatedOverQuota: this.#overQuota.length + this.#overSupervisors.length,
        maxSupervisors: this.#concurrency.supervisorsMax,
      },
    };
  }

  #consider(container: PlanContainer): Next {
    const { supervisorsMax } = this.#concurrency;
    if (container.supervisor) this.#supervisorsCount++;
    if (this.#view.running.has(container.containerId)) {
      if (container.state === "Queued" || container.state === "Locked") {
        this.#statuses.set(container, { reason: "preparing" });
      }
      return "next";
    }
    if (container.priority < 1n) {
      this.#statuses.set(container, { reason: "priorityZero", state: container.state });
      return "next";
    }
    if (container.supervisor && supervisorsMax > 0 && this.#supervisorsCount > supervisorsMax) {
      const position = this.#overSupervisors.push(container);
      this.#statuses.set(container, { reason: "supervisorLimit", position });
      return "next";
    }
    if (container.state === "Queued") return this.#considerQueued(container);
    if (container.state === "Locked") return this.#considerLocked(container);
    return "next";
  }

  #considerQueued(container: PlanContainer): Next {
    if (!this.#mayTry(container)) return "next";
    const slot = this.#fleet.find(container);
    if (!slot && this.#cloud.atQuota()) return "stop";
    const type = slot ? undefined : this.#cloud.available(container);
    if (!slot && !type) return "next";
    if (this.#killFirst(container, "about to lock")) return "next";
    if (slot) this.#fleet.reserve(slot, container);
    if (container.busy) return "next";
    this.#decisions.push({
      do: "lock",
      container: container.containerId,
      reason: slot
        ? `next in the queue, and there is room on ${nameOf(slot)}`
        : `next in the queue, and a new ${type?.name} instance can be created for it`,
    });
    return "next";
  }

  #considerLocked(container: PlanContainer): Next {
    // It is being unlocked or cancelled: whatever we did now would come too late.
    if (container.busy) return "next";
    if (!this.#mayTry(container)) return "next";
    const slot = this.#fleet.find(container);
    if (slot) {
      this.#useSlot(slot, container);
      return "next";
    }
    if (this.#cloud.atQuota()) return "stop";
    const type = this.#cloud.available(container);
    if (!type) {
      this.#statuses.set(container, {
        reason: "typeAtCapacity",
        position: ++this.#positionsCount,
        instanceTypes: container.instanceTypes,
      });
      return "next";
    }
    if (!this.#cloud.create(type)) return "next";
    this.#fleet.add(type, container);
    this.#waitForBoot(container, type.name);
    this.#decisions.push({
      do: "create",
      container: container.containerId,
      instanceType: type.name,
      reason:
        type.name === container.instanceTypes[0]
          ? "no instance has room for it, and this is its cheapest eligible type"
          : "no instance has room for it, and this is its cheapest eligible type that has capacity",
    });
    return "next";
  }

  #useSlot(slot: Slot, container: PlanContainer): void {
    const { worker } = slot;
    const othersCount = slot.containersCount;
    this.#fleet.reserve(slot, container);
    if (worker.instanceId === "" || !slot.ready) {
      this.#waitForBoot(container, worker.instanceType);
    } else if (this.#killFirst(container, "about to start")) {
      this.#statuses.set(container, { reason: "previousAttempt" });
    } else if (this.#view.declinesStart.has(worker.workerId)) {
      this.#waitForBoot(container, worker.instanceType);
    } else {
      this.#statuses.set(container, { reason: "preparing" });
      this.#decisions.push({
        do: "start",
        container: container.containerId,
        worker: worker.workerId,
        reason: `there is room on ${nameOf(slot)}, which holds ${othersCount} other containers`,
      });
    }
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

  #waitForBoot(container: PlanContainer, instanceType: string): void {
    this.#bootWaitCount++;
    this.#statuses.set(container, { reason: "booting", instanceType });
  }

  #finishStatuses(): QueueStatus[] {
    const reason = this.#cloud.atQuota() ? "atQuota" : "atCapacity";
    return this.#queue.map((container) => {
      let status = this.#statuses.get(container) ?? { reason: "" };
      if (status.reason === "" && isWaiting(container)) {
        status =
          container.priority < 1n
            ? { reason: "priorityZero", state: container.state }
            : { reason, position: ++this.#positionsCount };
      }
      return {
        containerId: container.containerId,
        reason: status.reason,
        text: statusText(status),
      };
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
