import { setImmediate as nextTurn } from "node:timers/promises";
import type { Journal } from "../drivers/journal/port.ts";
import type { Explanation } from "../machines/explain/explanation.ts";
import type { Clock } from "./clock.ts";
import { explain } from "./explain.ts";
import type { ReadModel } from "./read-model.ts";

/** A few seconds of one core, in slices. */
const RECORDS_MAX = 200_000;
const WAITING_MAX = 8;

export type Explain = (id: string, signal: AbortSignal) => Promise<Explanation | undefined>;

/** As many explanations are being made as may be asked for at once. */
export class ExplainerBusyError extends Error {
  override readonly name = "ExplainerBusyError";
}

/** Explanations from a running dispatcher's own journal: one at a time, since each folds a state of its own. */
export function makeExplainer(options: {
  readonly journal: Journal;
  readonly readModel: ReadModel;
  readonly clock: Clock;
}): Explain {
  const { journal, readModel, clock } = options;
  let last: Promise<unknown> = Promise.resolve();
  let waitingCount = 0;
  return async (id, signal) => {
    if (waitingCount >= WAITING_MAX) throw new ExplainerBusyError("too many explanations at once");
    waitingCount++;
    const turn = last;
    const answer = turn.then(() => {
      signal.throwIfAborted();
      const pause = (): Promise<void> => nextTurn();
      const shared = { journal, live: readModel, recordsMax: RECORDS_MAX, pause, signal };
      return explain(id, { ...shared, nowMs: clock.nowMs() });
    });
    last = answer.catch(() => undefined).finally(() => waitingCount--);
    return answer;
  };
}
