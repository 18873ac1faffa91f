import {
  BehaviorSubject,
  concatMap,
  defer,
  delay,
  finalize,
  first,
  map,
  mergeMap,
  pipe,
} from "rxjs";
import type { OperatorFunction } from "rxjs";
import type { Clock } from "../clock.ts";
import { clockScheduler } from "../scheduler.ts";

export interface Pacing<T> {
  readonly clock: Clock;
  /** Between two starts, and before the first one. */
  readonly paceMs: number;
  readonly atOnceMax: number;
  /** What it throws is a bug, and ends the stream. */
  readonly run: (item: T) => Promise<void>;
}

/** Runs items in their order, one start a pace, and not too many at once: the pace of the next begins when there is room for it. */
export function paced<T>({ clock, paceMs, atOnceMax, run }: Pacing<T>): OperatorFunction<T, void> {
  const scheduler = clockScheduler(clock);
  const runningCount = new BehaviorSubject(0);
  const count = (change: 1 | -1): void => runningCount.next(runningCount.value + change);
  const hasRoom = runningCount.pipe(first((running) => running < atOnceMax));
  return pipe(
    concatMap((item) =>
      hasRoom.pipe(
        delay(paceMs, scheduler),
        map(() => item),
      ),
    ),
    mergeMap((item) =>
      defer(() => {
        count(1);
        return run(item);
      }).pipe(finalize(() => count(-1))),
    ),
  );
}
