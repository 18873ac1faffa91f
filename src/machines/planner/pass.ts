import type { Decision, Limits, WaitReason } from "../model/decision.ts";
import type { InstanceType } from "../model/instance-type.ts";
import type { Settings } from "../model/settings.ts";
import { CloudRoom } from "./cloud-room.ts";
import { adapt, type Concurrency } from "./concurrency.ts";
import type { Fleet } from "./fleet.ts";
import type { Kind } from "./kind.ts";
import type { PlanIndex } from "./plan-index.ts";
import type { PlanQueue } from "./plan-queue.ts";
import { isWanted, type QueueItem } from "./queue-entry.ts";
import type { Slot } from "./slot.ts";
import type { WaitStatus } from "./status-text.ts";
import { SupervisorsOver } from "./supervisors-over.ts";
import type { PlanContainer, PlanMetrics, PlanMoment } from "./view.ts";
import { Waiting } from "./waiting.ts";

export interface Schedule {
  readonly decisions: readonly Decision[];
  readonly limits: Limits;
  readonly waiting: Waiting;
  readonly metrics: PlanMetrics;
  /** One more create was wanted than the throttles accept. */
  readonly declined: boolean;
}

/** Where nothing can be done for a container, nor for those behind it, before quota allows. */
interface Stop {
  readonly item: QueueItem;
  /** Its place in its group. */
  readonly at: number;
}

/**
 * A scheduling pass that goes through the queue as far as it can do something. What it does not reach has its reason by
 * rule: see `Waiting`.
 */
export class Pass {
  readonly #moment: PlanMoment;
  readonly #queue: PlanQueue;
  readonly #fleet: Fleet;
  readonly #cloud: CloudRoom;
  readonly #concurrency: Concurrency;
  readonly #statuses = new Map<string, WaitStatus>();
  /** Locked, and only the throttles keep back its instance. */
  readonly #throttled = new Set<string>();
  readonly #decisions: Decision[] = [];
  /** Kinds for which no instance has room, and none more can be asked for. */
  readonly #hopeless = new Set<Kind>();
  /** The limit is not reached, however many containers are tried. */
  readonly #isUnlimited: boolean;
  /** The limit on containers at once is MaxInstances, until it is known better. */
  readonly #startsFromMaxInstances: boolean;
  #tryingCount: number;
  #positionsCount = 0;
  #bootWaitCount = 0;
  /** A container was passed over for lack of a place: those behind it may not take what it waits for. */
  #passedOver = false;

  constructor(index: PlanIndex, moment: PlanMoment, settings: Settings, limits: Limits) {
    this.#moment = moment;
    this.#queue = index.queue;
    this.#fleet = index.fleet;
    const { roster } = index.fleet;
    const containersMax = settings.maxRunningContainersPerInstance;
    this.#cloud = new CloudRoom(moment, index.instanceTypes, { roster, containersMax });
    this.#startsFromMaxInstances = settings.initialQuotaEstimate === 0;
    this.#tryingCount = this.#queue.processesCount;
    this.#concurrency = adapt(moment, settings, limits, {
      processesCount: this.#queue.processesCount,
      instancesCount: roster.namedCount,
      atQuota: this.#cloud.atQuota(),
    });
    const mostCount = this.#tryingCount + this.#queue.wantedCount(2) + this.#queue.wantedCount(3);
    this.#isUnlimited = isBelow(mostCount - 1, this.#concurrency.limits.maxContainers);
  }

  run(): Schedule {
    const { limits, supervisorsMax } = this.#concurrency;
    // Those of the first two groups have a process: they only count.
    const stop = this.#walk(2) ?? this.#walk(3);
    const supervisorsOver = new SupervisorsOver(this.#queue, supervisorsMax, stop?.item);
    const overQuotaCount = stop ? this.#countFrom(stop) : 0;
    for (const item of supervisorsOver.locked()) {
      this.#unlock(item, `${supervisorsMax} workflows are the limit now`);
    }
    if (stop) {
      this.#unlockFrom(stop, overQuotaCount);
      this.#shutDown(stop.item);
    }
    const waiting = new Waiting(this.#queue, {
      byContainer: this.#statuses,
      positionsCount: this.#positionsCount,
      supervisorsOver,
      otherwise: this.#cloud.atQuota() ? "atQuota" : "atCapacity",
      throttled: this.#throttled,
      cause: this.#cause(),
    });
    const metrics: PlanMetrics = {
      containersAllocatedNotStarted: this.#bootWaitCount,
      containersNotAllocatedOverQuota: overQuotaCount + supervisorsOver.count,
      maxSupervisors: supervisorsMax,
    };
    const { declined } = this.#cloud;
    return { decisions: this.#decisions, limits, waiting, declined, metrics };
  }

  /**
   * What keeps back those that the pass has nothing to say about, as long as it does: between the end of an instance and the
   * create of the next one, which is spoken for, the cause is the same as before.
   */
  #cause(): WaitReason {
    const { limits, placedMax } = this.#concurrency;
    const { maxContainers, last503AtMs, instancesWithinQuota, quotaIsOurs } = limits;
    const isOver = !this.#isUnlimited && !isBelow(this.#tryingCount, maxContainers);
    if (this.#moment.atQuota) return "atQuota";
    if (this.#cloud.isSpokenFor) return "atMaxInstances";
    const isOverForApi = last503AtMs !== null && !isBelow(this.#tryingCount, placedMax);
    if (!isOver || isOverForApi) return "atCapacity";
    // No more are tried than there could be instances at once; before that is known, than there may be.
    const isFromQuota = instancesWithinQuota > 0;
    if (isFromQuota ? quotaIsOurs : this.#startsFromMaxInstances) return "atMaxInstances";
    return isFromQuota ? "atQuota" : "atCapacity";
  }

  /** Goes through a group of containers without a process. */
  #walk(group: 2 | 3): Stop | undefined {
    const { supervisorsMax } = this.#concurrency;
    let supervisorsCount = 0;
    for (const before of [0, 1, 2] as const) {
      if (before < group) supervisorsCount += this.#queue.supervisorsCount(before);
    }
    for (const [at, item] of this.#queue.group(group).entries()) {
      // Those behind it are not wanted either.
      if (!isWanted(item)) return undefined;
      if (this.#isOver(group)) {
        if (this.#isUnlimited) this.#throttleFrom(group, at);
        return undefined;
      }
      const { supervisor } = item.container;
      if (supervisor) supervisorsCount++;
      const isOneTooMany = supervisor && supervisorsMax > 0 && supervisorsCount > supervisorsMax;
      if (!isOneTooMany && !this.#consider(item)) return { item, at };
    }
    return undefined;
  }

  /** The rest of the locked ones: no instance has room for any, and no create is accepted. */
  #throttleFrom(group: 2 | 3, at: number): void {
    if (this.#moment.instancesMax === null) return;
    for (const item of this.#queue.group(group).slice(at)) {
      if (!isWanted(item) || this.#cloud.isSpokenFor) return;
      const { busy } = item.container;
      const type = busy ? undefined : this.#cloud.available(item.kind.instanceTypes);
      if (type) this.#throttle(item, type);
    }
  }

  #throttle({ container }: QueueItem, type: InstanceType): void {
    if (this.#cloud.intend(type, container.resources)) this.#throttled.add(container.containerId);
  }

  /** Whether nothing more can be done for any container of the group. */
  #isOver(group: 2 | 3): boolean {
    const { limits, placedMax } = this.#concurrency;
    if (this.#isUnlimited) {
      return group === 2 && this.#hopeless.size === this.#queue.kinds.lockedKindsCount;
    }
    if (isBelow(this.#tryingCount, limits.maxContainers)) return false;
    return this.#passedOver || !isBelow(this.#tryingCount, placedMax);
  }

  /** False where the pass has to stop. */
  #consider(item: QueueItem): boolean {
    const { state } = item.container;
    if (state === "Queued") return this.#considerQueued(item);
    return state !== "Locked" || this.#considerLocked(item);
  }

  #considerQueued({ container, kind }: QueueItem): boolean {
    if (!this.#mayTry(kind)) return true;
    const slot = this.#fleet.find(kind);
    if (!slot && this.#cloud.atQuota()) return false;
    const type = slot ? undefined : this.#cloud.available(kind.instanceTypes);
    if (!slot && !type) return true;
    const { containerId, busy, resources } = container;
    if (type) this.#cloud.intend(type, resources);
    if (this.#killFirst(container, "about to lock")) return true;
    if (slot) this.#fleet.reserve(slot, resources);
    if (busy) return true;
    this.#decisions.push({
      do: "lock",
      container: containerId,
      reason: slot
        ? `next in the queue, and there is room on ${nameOf(slot)}`
        : `next in the queue, and a new ${type?.name} instance can be created for it`,
    });
    return true;
  }

  #considerLocked(item: QueueItem): boolean {
    const { container, kind } = item;
    // It is being unlocked or cancelled: whatever we did now would come too late.
    if (container.busy) return true;
    if (!this.#mayTry(kind)) return true;
    const { containerId } = container;
    const slot = this.#fleet.find(kind);
    if (slot) {
      this.#statuses.set(containerId, this.#use(slot, container));
      return true;
    }
    if (this.#cloud.atQuota()) return false;
    const { instanceTypes } = kind;
    const type = this.#cloud.available(instanceTypes);
    if (!type) {
      const position = ++this.#positionsCount;
      this.#statuses.set(containerId, { reason: "typeAtCapacity", position, instanceTypes });
      return true;
    }
    if (!this.#cloud.create(type)) {
      this.#hopeless.add(kind);
      this.#throttle(item, type);
      return true;
    }
    this.#fleet.add(type, container.resources);
    this.#decisions.push({
      do: "create",
      container: containerId,
      instanceType: type.name,
      reason:
        type.name === instanceTypes[0]
          ? "no instance has room for it, and this is its cheapest eligible type"
          : "no instance has room for it, and this is its cheapest eligible type that has capacity",
    });
    this.#statuses.set(containerId, this.#waitForBoot(type.name));
    return true;
  }

  #use(slot: Slot, container: PlanContainer): WaitStatus {
    const { worker } = slot;
    const othersCount = slot.containersCount;
    this.#fleet.reserve(slot, container.resources);
    if (worker.instanceId === "" || !slot.ready) return this.#waitForBoot(worker.instanceType);
    if (this.#killFirst(container, "about to start")) return { reason: "previousAttempt" };
    if (this.#moment.declinesStart.has(worker.workerId)) {
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
    return { reason: "preparing" };
  }

  /**
   * Whether the limit on containers at once lets this one be tried; if so it counts. At quota it is the number of
   * instances, which must not keep out what fits on those (specification §16.3).
   */
  #mayTry(kind: Kind): boolean {
    const { limits, placedMax } = this.#concurrency;
    if (!isBelow(this.#tryingCount, limits.maxContainers)) {
      if (this.#passedOver || !isBelow(this.#tryingCount, placedMax)) return false;
      if (!this.#fleet.find(kind)) {
        this.#passedOver = true;
        return false;
      }
    }
    this.#tryingCount++;
    return true;
  }

  /** Whether a worker still names a process of it that no longer counts as running: it has to end first. */
  #killFirst({ containerId, busy }: PlanContainer, reason: string): boolean {
    if (!this.#fleet.roster.hosts(containerId)) return false;
    if (!busy) this.#decisions.push({ do: "kill", container: containerId, reason });
    return true;
  }

  #waitForBoot(instanceType: string): WaitStatus {
    this.#bootWaitCount++;
    return { reason: "booting", instanceType };
  }

  /**
   * The next in line keeps its lock, so that waiting for quota does not use up its attempts; unless there is no instance
   * whose end it could wait for, or nobody behind it. Reconciling gives back what is not wanted any more.
   */
  #unlockFrom({ item, at }: Stop, overQuotaCount: number): void {
    // Those of the last group are not locked.
    if (item.group !== 2) return;
    const nextKeepsLock = this.#fleet.roster.namedCount > 0 && overQuotaCount > 1;
    for (const other of this.#queue.group(2).slice(nextKeepsLock ? at + 1 : at)) {
      if (!isWanted(other)) break;
      this.#unlock(other, "no instance has room for it, and the cloud's quota is reached");
    }
  }

  /** How much of the queue is left from there on, whatever its priority and state: so the metric counts (specification §6.5 F). */
  #countFrom({ item: { group }, at }: Stop): number {
    const behindCount = group === 2 ? this.#queue.group(3).length : 0;
    return this.#queue.group(group).length - at + behindCount;
  }

  #unlock({ container: { containerId, state, busy } }: QueueItem, reason: string): void {
    if (state !== "Locked" || busy) return;
    this.#decisions.push({ do: "unlock", container: containerId, reason });
  }

  #shutDown(next: QueueItem): void {
    for (const { worker } of this.#fleet.empty()) {
      const { workerId, instanceId, state, idleBehavior } = worker;
      if (instanceId === "" || idleBehavior === "hold") continue;
      if (state !== "idle" && state !== "booting") continue;
      const { containerId } = next.container;
      this.#decisions.push({
        do: "shutdown",
        worker: workerId,
        reason: `the cloud's quota is reached, and ${containerId} needs another instance`,
      });
    }
  }
}

function isBelow(count: number, max: number): boolean {
  return max === 0 || count < max;
}

function nameOf(slot: Slot): string {
  const { instanceId, instanceType } = slot.worker;
  return instanceId === "" ? `a new ${instanceType} instance` : `${instanceType} ${instanceId}`;
}
