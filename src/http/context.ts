import type Koa from "koa";
import type { RequestTarget } from "./request-target.ts";

/** Who asks: this daemon itself, somebody with a token that is valid here, or anybody. */
export type Caller = "self" | "known" | "stranger";

/** What the outer layers note for the inner ones. */
export interface HttpState {
  requestId: string;
  target: RequestTarget;
  /** By the tokens that the request brings; unset where nobody has looked. */
  caller?: Caller;
  /** It brings tokens, and none of them is valid here. */
  hasWrongToken?: boolean;
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
