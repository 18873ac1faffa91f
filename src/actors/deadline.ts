import { formatSpan } from "../machines/model/amounts.ts";
import type { Clock } from "./clock.ts";

/** Thrown, as the signal's reason, when a call took too long. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * Runs a call that heeds an AbortSignal, and gives up at the deadline even if the call does not heed it. Rejects with
 * `DeadlineError` then.
 */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.setTimer(timeoutMs, () => {
      const error = new DeadlineError(`no answer within ${formatSpan(timeoutMs)}`);
      controller.abort(error);
      reject(error);
    });
  });
  try {
    return await Promise.race([call(controller.signal), late]);
  } finally {
    cancel();
  }
}
