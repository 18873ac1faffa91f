import {
  accommodates,
  fill,
  roomOf,
  subtract,
  type Room,
} from "../../../src/machines/instance-types/packing.ts";
import type { Decision, Limits, WaitReason } from "../../../src/machines/model/decision.ts";
import type { InstanceType } from "../../../src/machines/model/instance-type.ts";
import type { Settings } from "../../../src/machines/model/settings.ts";
import { adapt, type Concurrency } from "../../../src/machines/planner/concurrency.ts";
import { byUse, inQueueOrder } from "../../../src/machines/planner/order.ts";
import { reconcile } from "../../../src/machines/planner/reconcile.ts";
import { statusText, type WaitStatus } from "../../../src/machines/planner/status-text.ts";
import type {
  PlanContainer,
  PlanMetrics,
  PlanView,
  PlanWorker,
  QueueStatus,
} from "../../../src/machines/planner/view.ts";

interface PlainPlan {
  readonly decisions: readonly Decision[];
  readonly limits: Limits;
  readonly statuses: readonly QueueStatus[];
  readonly metrics: PlanMetrics;
  readonly declined: boolean;
}

/**
 * A run of the planner by the letter of the spec (§6.5): it looks at every container, and at every worker for each, with
 * no index. What the planner does faster has to come to the same.
 */
export function plainPlan(view: PlanView, settings: Settings, limits: Limits): PlainPlan {
  return plainPlanAndWaits(view, settings, limits).plain;
}

/** The same, and why each container waits, in the order of the queue, as it is to be recorded. */
export function plainPlanAndWaits(
  view: PlanView,
  settings: Settings,
  limits: Limits,
): { plain: PlainPlan; waits: PlainWait[] } {
  const pass = new PlainPass(view, settings, limits);
  const passed = pass.run();
  const plain = { ...passed, decisions: [...passed.decisions, ...reconcile(view)] };
  return { plain, waits: pass.waits(passed.statuses) };
}

interface PlainWait {
  readonly containerId: string;
  readonly reason: WaitReason | "";
}

export interface PlainSlot {
  readonly worker: PlanWorker;
  readonly type: InstanceType | undefined;
  readonly room: Room;
  containersCount: number;
}

export function plainSlot(worker: PlanWorker, view: PlanView): PlainSlot {
  const type = view.instanceTypes[worker.instanceType];
  const room = roomOf(type);
  for (const id of worker.containerIds) {
    const container = view.containers.find(({ containerId }) => containerId === id);
    if (!container) {
      fill(room);
      break;
    }
    subtract(room, container.resources);
  }
  return { worker, type, room, containersCount: worker.containerIds.length };
}

/** Spec §6.5 E.5, as it is written there; `slots` in any order. */
export function plainFind(
  slots: readonly PlainSlot[],
  { resources, instanceTypes }: Pick<PlanContainer, "resources" | "instanceTypes">,
  containersMax: number,
): PlainSlot | undefined {
  let best: PlainSlot | undefined;
  for (const slot of slots.toSorted(byUse)) {
    const { worker, room, containersCount } = slot;
    if (worker.state === "shutdown" || worker.idleBehavior !== "run") continue;
    if (containersMax > 0 && containersCount >= containersMax) continue;
    if (!instanceTypes.includes(worker.instanceType)) continue;
    if (!accommodates(room, resources)) continue;
    if (!best || containersCount > best.containersCount || (!isReady(best) && isReady(slot))) {
      best = slot;
    }
  }
  return best;
}

function isReady({ worker }: PlainSlot): boolean {
  return worker.state === "idle" || worker.state === "running";
}

const NO_STATUS: WaitStatus = { reason: "" };
const PREPARING: WaitStatus = { reason: "preparing" };

/** How a container waits now; "stop" where nothing can be done for it or for those behind it before quota allows. */
type Outcome = WaitStatus | "stop";

class PlainPass {
  readonly #view: PlanView;
  readonly #slots: PlainSlot[];
  readonly #containersMax: number;
  readonly #created: InstanceType[] = [];
  readonly #intended: PlainSlot[] = [];
  readonly #throttled = new Set<string>();
  readonly #startsFromMaxInstances: boolean;
  #declined = false;
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
    this.#slots = view.workers.map((worker) => plainSlot(worker, view));
    this.#containersMax = settings.maxRunningContainersPerInstance;
    this.#startsFromMaxInstances = settings.initialQuotaEstimate === 0;
    this.#queue = inQueueOrder(view);
    this.#processes = new Set(view.workers.flatMap((worker) => worker.containerIds));
    this.#tryingCount = view.running.size;
    this.#concurrency = adapt(view, settings, limits, {
      processesCount: view.running.size,
      instancesCount: this.#namedCount(),
      atQuota: this.#atQuota(),
    });
  }

  run(): PlainPlan {
    for (const container of this.#queue) {
      const status = this.#consider(container);
      if (status === "stop") {
        this.#overQuota = this.#queue.slice(this.#statuses.length);
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
      declined: this.#declined,
      metrics: {
        containersAllocatedNotStarted: this.#bootWaitCount,
        containersNotAllocatedOverQuota: this.#overQuota.length + this.#overSupervisors.length,
        maxSupervisors: this.#concurrency.supervisorsMax,
      },
    };
  }

  /** Where other tools are told of the moment's quota or capacity, what keeps a container back is recorded. */
  waits(statuses: readonly QueueStatus[]): PlainWait[] {
    return statuses.map(({ containerId, reason }) => {
      if (reason !== "atQuota" && reason !== "atCapacity") return { containerId, reason };
      const isThrottled = this.#throttled.has(containerId);
      return { containerId, reason: isThrottled ? "atCapacity" : this.#cause() };
    });
  }

  #cause(): WaitReason {
    const { limits, placedMax } = this.#concurrency;
    const wantedCount = this.#queue.filter(
      (each) => wantsToRun(each) && !this.#view.running.has(each.containerId),
    ).length;
    const isOneTooMany = !isBelow(this.#view.running.size + wantedCount - 1, limits.maxContainers);
    const isOver = isOneTooMany && !isBelow(this.#tryingCount, limits.maxContainers);
    if (this.#view.atQuota) return "atQuota";
    if (this.#isSpokenFor()) return "atMaxInstances";
    if (!isOver) return "atCapacity";
    if (limits.last503AtMs !== null && !isBelow(this.#tryingCount, placedMax)) return "atCapacity";
    if (limits.instancesWithinQuota > 0) {
      return limits.quotaIsOurs === true ? "atMaxInstances" : "atQuota";
    }
    return this.#startsFromMaxInstances ? "atMaxInstances" : "atCapacity";
  }

  #isSpokenFor(): boolean {
    const { instancesMax, workers } = this.#view;
    const count = workers.length + this.#created.length + this.#intended.length;
    return instancesMax !== null && count >= instancesMax;
  }

  /** Whether our own limit leaves room for an instance that is asked for later. */
  #intend(type: InstanceType, container: PlanContainer): boolean {
    if (this.#isSpokenFor()) return false;
    const newest = this.#intended.findLast((slot) => slot.type === type);
    const holds = newest && plainFind([newest], container, this.#containersMax);
    const slot = holds ?? plainSlot(pendingWorker(this.#intended.length, type.name), this.#view);
    if (!holds) this.#intended.push(slot);
    reserve(slot, container);
    return true;
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
    const slot = this.#find(container);
    if (!slot && this.#atQuota()) return "stop";
    const type = slot ? undefined : this.#available(container);
    if (!slot && !type) return NO_STATUS;
    if (type) this.#intend(type, container);
    if (this.#killFirst(container, "about to lock")) return NO_STATUS;
    if (slot) reserve(slot, container);
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
    const slot = this.#find(container);
    if (slot) return this.#use(slot, container);
    if (this.#atQuota()) return "stop";
    const type = this.#available(container);
    if (!type) {
      const { instanceTypes } = container;
      return { reason: "typeAtCapacity", position: ++this.#positionsCount, instanceTypes };
    }
    if (!this.#create(type, container)) {
      if (this.#intend(type, container)) this.#throttled.add(container.containerId);
      return NO_STATUS;
    }
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

  #use(slot: PlainSlot, container: PlanContainer): WaitStatus {
    const { worker } = slot;
    const othersCount = slot.containersCount;
    reserve(slot, container);
    if (worker.instanceId === "" || !isReady(slot)) return this.#waitForBoot(worker.instanceType);
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
   * instances, which must not keep out what fits on those (specification §16.3).
   */
  #mayTry(container: PlanContainer): boolean {
    const { limits, placedMax } = this.#concurrency;
    if (!isBelow(this.#tryingCount, limits.maxContainers)) {
      if (this.#passedOver || !isBelow(this.#tryingCount, placedMax)) return false;
      if (!this.#find(container)) {
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
    const reason = this.#atQuota() ? "atQuota" : "atCapacity";
    return this.#queue.map((container, index) => {
      let status = this.#statuses[index] ?? NO_STATUS;
      const hasProcess = this.#view.running.has(container.containerId);
      if (container.priority < 1n && !hasProcess) {
        status = { reason: "priorityZero", state: container.state };
      } else if (status.reason === "" && isWaiting(container)) {
        status = { reason, position: ++this.#positionsCount };
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
    const nextKeepsLock = this.#namedCount() > 0 && this.#overQuota.length > 1;
    for (const container of this.#overSupervisors) {
      this.#unlockOne(container, `${supervisorsMax} workflows are the limit now`);
    }
    for (const container of this.#overQuota.slice(nextKeepsLock ? 1 : 0).filter(wantsToRun)) {
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
    const empty = this.#slots.filter((slot) => slot.containersCount === 0);
    for (const { worker } of empty.sort(byUse)) {
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

  #find(container: PlanContainer): PlainSlot | undefined {
    return plainFind(this.#slots, container, this.#containersMax);
  }

  #namedCount(): number {
    return this.#view.workers.filter(({ instanceId }) => instanceId !== "").length;
  }

  #atQuota(): boolean {
    const { atQuota, instancesMax, workers } = this.#view;
    const instancesCount = workers.length + this.#created.length;
    return atQuota || (instancesMax !== null && instancesCount >= instancesMax);
  }

  #available({ instanceTypes }: PlanContainer): InstanceType | undefined {
    const all = this.#slots.flatMap(({ type }) => type ?? []);
    return instanceTypes
      .flatMap((name) => this.#view.instanceTypes[name] ?? [])
      .find((type) => {
        const count = all.filter(({ providerType }) => providerType === type.providerType).length;
        return !this.#view.atCapacity(type, count);
      });
  }

  #create(type: InstanceType, container: PlanContainer): boolean {
    const { createsAllowed } = this.#view;
    if (createsAllowed !== null && this.#created.length >= createsAllowed) {
      this.#declined = true;
      return false;
    }
    const slot = plainSlot(pendingWorker(this.#created.length, type.name), this.#view);
    this.#created.push(type);
    this.#slots.push(slot);
    reserve(slot, container);
    return true;
  }
}

/** Sorts behind those of earlier passes that the cloud has not named yet. */
export function pendingWorker(number: number, instanceType: string): PlanWorker {
  return {
    workerId: `~${String(number).padStart(9, "0")}`,
    instanceId: "",
    instanceType,
    state: "booting",
    idleBehavior: "run",
    containerIds: [],
  };
}

export function reserve(slot: PlainSlot, { resources }: Pick<PlanContainer, "resources">): void {
  subtract(slot.room, resources);
  slot.containersCount++;
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

function nameOf(slot: PlainSlot): string {
  const { instanceId, instanceType } = slot.worker;
  return instanceId === "" ? `a new ${instanceType} instance` : `${instanceType} ${instanceId}`;
}
