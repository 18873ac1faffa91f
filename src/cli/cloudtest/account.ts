import type { Clock } from "../../actors/clock.ts";
import { withDeadline } from "../../actors/deadline.ts";
import type { Instance, InstanceSet } from "../../drivers/cloud/port.ts";
import { until } from "../../drivers/ssh/call.ts";
import type { TestPlan } from "./plan.ts";
import { Interrupted } from "./step-log.ts";

interface AccountOptions {
  /** The raw driver, without wrappers (specification §10). */
  readonly cloud: InstanceSet;
  readonly clock: Clock;
  readonly plan: TestPlan;
}

/** The cloud as one run asks it: every call has a deadline and ends with the signal, also if the driver heeds neither. */
export class Account {
  readonly #options: AccountOptions;

  constructor(options: AccountOptions) {
    this.#options = options;
  }

  get nowMs(): number {
    return this.#options.clock.nowMs();
  }

  create(stop: AbortSignal): Promise<Instance> {
    const { type, imageId, tags, initCommand, publicKey } = this.#options.plan;
    const request = { type, imageId, tags, initCommand, publicKey };
    return this.#call(stop, (signal) => this.#options.cloud.create(request, signal));
  }

  /** Asks for all there is: whether the driver filters is its own affair. */
  list(stop: AbortSignal): Promise<readonly Instance[]> {
    return this.#call(stop, (signal) => this.#options.cloud.list({}, signal));
  }

  destroy(instanceId: string, stop: AbortSignal): Promise<void> {
    return this.#call(stop, (signal) => this.#options.cloud.destroy(instanceId, signal));
  }

  async pause(delayMs: number, stop: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let cancel = (): void => {};
    const over = new Promise<void>((resolve) => (cancel = clock.setTimer(delayMs, resolve)));
    await unlessStopped(over, stop).finally(() => cancel());
  }

  #call<T>(stop: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, plan } = this.#options;
    if (stop.aborted) throw new Interrupted(String(stop.reason));
    const limited = withDeadline(clock, plan.cloudTimeoutMs, (deadline) =>
      call(AbortSignal.any([deadline, stop])),
    );
    return unlessStopped(limited, stop);
  }
}

/** Rejects with `Interrupted` once the signal aborts. */
export async function unlessStopped<T>(promise: Promise<T>, stop: AbortSignal): Promise<T> {
  try {
    return await until(promise, stop);
  } catch (error) {
    if (stop.aborted) throw new Interrupted(String(stop.reason));
    throw error;
  }
}
