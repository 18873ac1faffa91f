import { defer, distinctUntilChanged, repeat, scan, startWith, Subject } from "rxjs";
import { switchMap, take, takeUntil, timer } from "rxjs";
import type { Clock } from "../clock.ts";
import { clockScheduler } from "../scheduler.ts";

export interface RoundsOptions {
  readonly clock: Clock;
  /** One round; answers with the pause until the next one. What it throws is a bug. */
  readonly round: () => Promise<number>;
  readonly broke: (error: unknown) => void;
}

/** One round after the other, never two at once, with a pause between them that can be cut short. */
export class Rounds {
  readonly #options: RoundsOptions;
  readonly #wake = new Subject<number>();
  readonly #stop = new Subject<void>();
  #pauseMs = 0;
  /** A wish that came while a round was under way. */
  #soonMs: number | undefined;
  #pausing = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock } = this.#options;
    const scheduler = clockScheduler(clock);
    defer(async () => {
      this.#pausing = false;
      this.#soonMs = undefined;
      this.#pauseMs = await this.#options.round();
    })
      .pipe(
        repeat({
          delay: () => {
            this.#pausing = true;
            const pauseMs = Math.min(this.#pauseMs, this.#soonMs ?? this.#pauseMs);
            // The soonest of the pause and all wishes.
            return this.#wake.pipe(
              startWith(pauseMs),
              scan((dueAtMs, delayMs) => Math.min(dueAtMs, clock.nowMs() + delayMs), Infinity),
              distinctUntilChanged(),
              switchMap((dueAtMs) => timer(Math.max(0, dueAtMs - clock.nowMs()), scheduler)),
              take(1),
            );
          },
        }),
        takeUntil(this.#stop),
      )
      .subscribe({ error: this.#options.broke });
  }

  /** The next round comes after `delayMs` at the latest. */
  soon(delayMs: number): void {
    if (this.#pausing) this.#wake.next(delayMs);
    else this.#soonMs = Math.min(delayMs, this.#soonMs ?? delayMs);
  }

  stop(): void {
    this.#stop.next();
    this.#stop.complete();
  }
}
