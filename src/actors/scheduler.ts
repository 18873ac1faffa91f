import { Subscription } from "rxjs";
import type { SchedulerAction, SchedulerLike } from "rxjs";
import type { Clock } from "./clock.ts";

/** Lets RxJS run on a Clock, so that every flow of the daemon runs on virtual time too. */
export function clockScheduler(clock: Clock): SchedulerLike {
  return {
    now: () => clock.nowMs(),
    schedule: <T>(
      work: (this: SchedulerAction<T>, state?: T) => void,
      delayMs = 0,
      state?: T,
    ): Subscription => new ClockAction(clock, work).schedule(state, delayMs),
  };
}

class ClockAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #clock: Clock;
  readonly #work: (this: SchedulerAction<T>, state?: T) => void;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, work: (this: SchedulerAction<T>, state?: T) => void) {
    super(() => this.#cancel?.());
    this.#clock = clock;
    this.#work = work;
  }

  schedule(state?: T, delayMs = 0): Subscription {
    if (this.closed) return this;
    this.#cancel?.();
    this.#cancel = this.#clock.setTimer(delayMs, () => {
      if (!this.closed) this.#work.call(this, state);
    });
    return this;
  }
}
