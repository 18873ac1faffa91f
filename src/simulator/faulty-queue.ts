import type { Clock } from "../actors/clock.ts";
import { QueueError } from "../drivers/queue/port.ts";
import type { OperationResult, Queue, QueuePoll } from "../drivers/queue/port.ts";
import type { Faults } from "./faults.ts";
import { never } from "./lifeline.ts";
import { wait } from "./wait.ts";

const SLOW_MAX_MS = 60_000;
/** A call is made to its end, whoever still waits for it. */
const NEVER_ABORTED = new AbortController().signal;
/** From when an unlock is given up. */
const LATE_MIN_MS = 30_000;

export interface FaultyQueueOptions {
  readonly queue: Queue;
  readonly faults: Faults;
  /** The dispatcher's own. */
  readonly clock: Clock;
  /** The newest record, durable or not. */
  readonly seq: () => number;
  /** A poll has come through that began at a seq. */
  readonly onPolled: (beganSeq: number) => void;
}

/** The controller as the dispatcher sees it on a bad day. */
export class FaultyQueue implements Queue {
  readonly #options: FaultyQueueOptions;
  #last503AtMs: number | null = null;
  /** Unlocks on their way that nobody waits for, by container. */
  readonly #late = new Map<string, () => void>();

  constructor(options: FaultyQueueOptions) {
    this.#options = options;
  }

  last503AtMs(): number | null {
    return this.#last503AtMs;
  }

  async poll(open: Iterable<string>): Promise<QueuePoll> {
    const { queue, seq, onPolled } = this.#options;
    const beganSeq = seq();
    const poll = await this.#call((signal) => queue.poll(open, signal));
    onPolled(beganSeq);
    return poll;
  }

  tmpMounts(containerId: string): Promise<number> {
    return this.#call((signal) => this.#options.queue.tmpMounts(containerId, signal));
  }

  lock(containerId: string): Promise<OperationResult> {
    return this.#call((signal) => this.#options.queue.lock(containerId, signal));
  }

  unlock(containerId: string): Promise<OperationResult> {
    if (this.#options.faults.happens("unlockLate")) return this.#unlockLate(containerId);
    return this.#call((signal) => this.#options.queue.unlock(containerId, signal));
  }

  #unlockLate(containerId: string): Promise<never> {
    const { queue, faults, clock } = this.#options;
    const arrive = (): void => {
      // What becomes of it, nobody hears.
      if (this.#late.delete(containerId)) queue.unlock(containerId, NEVER_ABORTED).catch(() => {});
    };
    this.#late.set(containerId, arrive);
    clock.setTimer(faults.chance("unlockLate").between(LATE_MIN_MS, SLOW_MAX_MS), arrive);
    return never();
  }

  /** A runner is about to move the container: a late unlock does most harm now. */
  hurry(containerId: string): void {
    this.#late.get(containerId)?.();
  }

  cancel(containerId: string, error: string | undefined): Promise<OperationResult> {
    return this.#call((signal) => this.#options.queue.cancel(containerId, error, signal));
  }

  async #call<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { faults, clock } = this.#options;
    const slowMs = faults.happens("apiSlow") ? faults.chance("apiSlow").between(0, SLOW_MAX_MS) : 0;
    const onTheWay = slowMs > 0 && faults.chance("apiSlow").happens(0.5);
    if (onTheWay) await this.#wait(slowMs);
    if (faults.happens("api503")) {
      this.#last503AtMs = clock.nowMs();
      const failure = { code: "unavailable", message: "503 Service Unavailable" } as const;
      throw new QueueError(failure, { status: 503 });
    }
    const value = await run(NEVER_ABORTED);
    if (slowMs > 0 && !onTheWay) await this.#wait(slowMs);
    if (faults.happens("apiWrong"))
      throw new QueueError(
        { code: "other", message: "expected a container, found <html>" },
        { status: 200 },
      );
    return value;
  }

  #wait(delayMs: number): Promise<void> {
    return wait(this.#options.clock, delayMs);
  }
}
