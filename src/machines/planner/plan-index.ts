import type { WaitReason } from "../model/decision.ts";
import type { InstanceType } from "../model/instance-type.ts";
import { Fleet } from "./fleet.ts";
import { PlanQueue } from "./plan-queue.ts";
import type { Process } from "./queue-entry.ts";
import type { PlanContainer, PlanView, PlanWorker } from "./view.ts";

/**
 * The queue and the fleet as the planner reads them. It is kept up with every change of a container or a worker, so that
 * a pass costs by what it decides; whatever the order of the changes, the same state gives the same decisions.
 */
export class PlanIndex {
  readonly instanceTypes: Readonly<Record<string, InstanceType>>;
  readonly queue = new PlanQueue();
  readonly fleet: Fleet;

  /** `containersMax`: how many containers an instance may hold, 0 is no limit. */
  constructor(instanceTypes: Readonly<Record<string, InstanceType>>, containersMax: number) {
    this.instanceTypes = instanceTypes;
    this.fleet = new Fleet(instanceTypes, containersMax, (id) => this.queue.needOf(id));
  }

  static of(view: PlanView, containersMax: number): PlanIndex {
    const index = new PlanIndex(view.instanceTypes, containersMax);
    const strangers = new Map(view.running);
    for (const container of view.containers) {
      const { containerId } = container;
      const process = view.running.get(containerId);
      index.setContainer(containerId, container, process, "");
      if (process !== undefined) strangers.delete(containerId);
    }
    for (const worker of view.workers) index.setWorker(worker.workerId, worker);
    for (const [id, process] of strangers) index.setContainer(id, undefined, process, "");
    return index;
  }

  /** Undefined as container: the queue does not have it, or no longer. */
  setContainer(
    containerId: string,
    container: PlanContainer | undefined,
    process: Process,
    waitReason: WaitReason | "",
  ): void {
    const changed = this.queue.set(containerId, container, process, waitReason);
    if (changed) this.fleet.needChanged(containerId);
  }

  /** Undefined: it is gone. */
  setWorker(workerId: string, worker: PlanWorker | undefined): void {
    this.fleet.setWorker(workerId, worker);
  }
}
