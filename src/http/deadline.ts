import { formatSpan } from "../machines/model/amounts.ts";
import type { Clock } from "../actors/clock.ts";
import type { AppMiddleware } from "./context.ts";
import { Problem } from "./problem.ts";

/** Answers 503 when nothing else has within `timeoutMs` (0: never). What was begun goes on. */
export function answerInTime(clock: Clock, timeoutMs: number): AppMiddleware {
  return async (_ctx, next) => {
    if (timeoutMs <= 0) return next();
    let cancel = (): void => {};
    const expired = new Promise<never>((_resolve, reject) => {
      cancel = clock.setTimer(timeoutMs, () => reject(tooLate(timeoutMs)));
    });
    try {
      await Promise.race([next(), expired]);
    } finally {
      cancel();
    }
  };
}

function tooLate(timeoutMs: number): Problem {
  const detail =
    `no answer within ${formatSpan(timeoutMs)} (API.RequestTimeout); ` +
    "a change that was asked for may still come about";
  return new Problem(503, "timeout", detail, { "Retry-After": "5" });
}
