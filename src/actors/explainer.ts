import { setImmediate as nextTurn } from "node:timers/promises";
import type { Journal } from "../drivers/journal/port.ts";
import type { Explanation } from "../machines/explain/explanation.ts";
import type { Clock } from "./clock.ts";
import { explain } from "./explain.ts";
import type { ReadModel } from "./read-model.ts";
import { makeTurns } from "./turns.ts";

/** A few seconds of one core, in slices. */
const RECORDS_MAX = 200_000;
const WAITING_MAX = 8;

export type Explain = (id: string, signal: AbortSignal) => Promise<Explanation | undefined>;

/** Explanations from a running dispatcher's own journal: one at a time, since each folds a state of its own. */
export function makeExplainer(options: {
  readonly journal: Journal;
  readonly readModel: ReadModel;
  readonly clock: Clock;
}): Explain {
  const { journal, readModel, clock } = options;
  const inTurn = makeTurns(WAITING_MAX, "explanations");
  return (id, signal) =>
    inTurn(() => {
      const pause = (): Promise<void> => nextTurn();
      const shared = { journal, live: readModel, recordsMax: RECORDS_MAX, pause, signal };
      return explain(id, { ...shared, nowMs: clock.nowMs() });
    }, signal);
}
