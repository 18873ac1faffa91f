import type { ArvadosQueue } from "../../drivers/queue/arvados/queue.ts";
import type { Queue } from "../../drivers/queue/port.ts";

/** A queue whose address is known only once the daemon listens: its own, with the embedded queue. */
export class LateQueue implements Queue {
  #queue: ArvadosQueue | undefined;
  #apiHost = "";

  set(queue: ArvadosQueue, apiHost: string): void {
    this.#queue = queue;
    this.#apiHost = apiHost;
  }

  /** Of its controller, as runners are told it. */
  get apiHost(): string {
    return this.#apiHost;
  }

  poll(...args: Parameters<Queue["poll"]>): ReturnType<Queue["poll"]> {
    return this.#now.poll(...args);
  }

  tmpMounts(...args: Parameters<Queue["tmpMounts"]>): ReturnType<Queue["tmpMounts"]> {
    return this.#now.tmpMounts(...args);
  }

  lock(...args: Parameters<Queue["lock"]>): ReturnType<Queue["lock"]> {
    return this.#now.lock(...args);
  }

  unlock(...args: Parameters<Queue["unlock"]>): ReturnType<Queue["unlock"]> {
    return this.#now.unlock(...args);
  }

  cancel(...args: Parameters<Queue["cancel"]>): ReturnType<Queue["cancel"]> {
    return this.#now.cancel(...args);
  }

  last503AtMs(): number | null {
    return this.#queue?.last503AtMs() ?? null;
  }

  /** How often a container has been locked, where the queue tells it. */
  lockCountOf(containerId: string): number | undefined {
    return this.#queue?.lockCountOf(containerId);
  }

  get #now(): Queue {
    if (!this.#queue) throw new Error("the queue was asked before the daemon listened");
    return this.#queue;
  }
}
