/** As many wait for their turn as may. */
export class BusyError extends Error {
  override readonly name = "BusyError";
}

export type Turns = <T>(work: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>;

/**
 * One at a time, the others in their order; beyond `waitingMax` none is taken. Throws `BusyError`, and what aborts. A chain of
 * promises: each caller waits for an answer of its own, which a stream would have to be searched for.
 */
export function makeTurns(waitingMax: number, what: string): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let waitingCount = 0;
  return async (work, signal) => {
    if (waitingCount >= waitingMax) throw new BusyError(`too many ${what} at once`);
    waitingCount++;
    const answer = last.then(() => {
      signal?.throwIfAborted();
      return work();
    });
    last = answer.catch(() => undefined).finally(() => waitingCount--);
    return answer;
  };
}
