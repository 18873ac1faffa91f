import type Koa from "koa";
import type { RequestTarget } from "./request-target.ts";

/** What the outer layers note for the inner ones. */
export interface HttpState {
  requestId: string;
  target: RequestTarget;
  /** Of the limiter, for the log; unset where a request did not pass it. */
  queue?: string;
  priority?: number;
  /** Gives the limiter's turn back before the answer has ended. */
  leaveLimiter?: () => void;
  /** The answer is one without an end. */
  isStream?: boolean;
}

export type AppContext = Koa.ParameterizedContext<HttpState>;
export type AppMiddleware = (ctx: AppContext, next: () => Promise<void>) => Promise<void> | void;
