import type { AppContext, AppMiddleware, Caller } from "./context.ts";
import { Problem } from "./problem.ts";
import { isOver, onEnded } from "./request-life.ts";

interface LimiterOptions {
  /** At once; 0: no limit. */
  readonly concurrentMax: number;
  /** Waiting for their turn. */
  readonly queuedMax: number;
  readonly nowMs: () => number;
  /** A request has left the queue: to be served, refused, or because its client has gone. */
  readonly onDequeued: (request: { priority: number; delayMs: number; served: boolean }) => void;
}

interface Waiting {
  readonly priority: number;
  readonly sinceMs: number;
  readonly settle: (served: boolean) => void;
}

/**
 * Bounds the requests that are served at once; the others wait, and the least important are refused (specification §11.6). A
 * list: the operators of streams queue by age alone, and refuse nobody.
 */
export class RequestLimiter {
  readonly #options: LimiterOptions;
  #running = 0;
  /** First the most important, among equals the oldest. */
  readonly #queue: Waiting[] = [];

  constructor(options: LimiterOptions) {
    this.#options = options;
  }

  /** For the gauges of specification §12. */
  stats(): { running: number; queued: { low: number; normal: number; high: number } } {
    const queued = { low: 0, normal: 0, high: 0 };
    for (const { priority } of this.#queue) queued[priorityName(priority)]++;
    return { running: this.#running, queued };
  }

  /** Asks for a turn; `turn` tells whether it came. Whoever got one must `leave`; `cancel` gives up waiting. */
  enter(priority: number): { turn: Promise<boolean>; cancel: () => void } {
    const { concurrentMax, nowMs } = this.#options;
    if (concurrentMax <= 0 || this.#running < concurrentMax) {
      this.#running++;
      return { turn: Promise.resolve(true), cancel: () => {} };
    }
    let settle: (served: boolean) => void = () => {};
    const turn = new Promise<boolean>((resolve) => (settle = resolve));
    const waiting: Waiting = { priority, sinceMs: nowMs(), settle };
    this.#enqueue(waiting);
    return { turn, cancel: () => this.#drop(waiting) };
  }

  leave(): void {
    this.#running--;
    const next = this.#queue.shift();
    if (!next) return;
    this.#running++;
    this.#settle(next, true);
  }

  #enqueue(waiting: Waiting): void {
    const after = this.#queue.findIndex(({ priority }) => priority < waiting.priority);
    this.#queue.splice(after < 0 ? this.#queue.length : after, 0, waiting);
    if (this.#queue.length > this.#options.queuedMax) this.#drop(this.#queue.at(-1) as Waiting);
  }

  #drop(waiting: Waiting): void {
    const at = this.#queue.indexOf(waiting);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    this.#settle(waiting, false);
  }

  #settle(waiting: Waiting, served: boolean): void {
    waiting.settle(served);
    const { priority, sinceMs } = waiting;
    const delayMs = this.#options.nowMs() - sinceMs;
    this.#options.onDequeued({ priority, delayMs, served });
  }
}

/** As metrics call it. */
export function priorityName(priority: number): "low" | "normal" | "high" {
  if (priority === 0) return "normal";
  return priority < 0 ? "low" : "high";
}

/**
 * Which queue a request stands in. `api` and `tunnel` are those of specification §11.6; the others keep apart who must not
 * wait for one another: `own` is the daemon that asks itself, `runners` what a runner asks of its container's record.
 */
export type QueueName = "api" | "tunnel" | "own" | "runners" | "strangers";

const TUNNEL_PATH =
  /^\/arvados\/v1\/(connect|containers)\/[a-z0-9]{5}-dz642-[a-z0-9]{15}\/(gateway_tunnel|ssh)$/;

const RUNNER_PATH =
  /^\/arvados\/v1\/(containers\/[^/]+(\/(un)?lock)?|api_client_authorizations\/current)$/;

/** A tunnel stays open for hours: it must not take the turn of a request that is answered at once. */
export function queueOf(method: string, path: string, caller: Caller = "known"): QueueName {
  if (caller === "stranger") return "strangers";
  if (caller === "self") return "own";
  if (method === "POST" && TUNNEL_PATH.test(path)) return "tunnel";
  return RUNNER_PATH.test(path) ? "runners" : "api";
}

export interface Turns {
  limiterOf(queue: QueueName): RequestLimiter;
  /** A request that was waiting for an answer gets none. */
  refused?(queue: QueueName): void;
}

/** A turn lasts until the answer is written or its connection has closed. A request that has one already keeps that. */
export function limitRequests(turns: Turns): AppMiddleware {
  return async (ctx, next) => {
    if (!ctx.state.leaveLimiter) await takeTurn(ctx, turns);
    await next();
  };
}

async function takeTurn(ctx: AppContext, turns: Turns): Promise<void> {
  const priority = priorityOf(ctx);
  const queue = queueOf(ctx.method, ctx.state.target.path, ctx.state.caller);
  const limiter = turns.limiterOf(queue);
  Object.assign(ctx.state, { queue, priority });
  const { turn, cancel } = limiter.enter(priority);
  const forget = onEnded(ctx, cancel);
  const hasCome = await turn;
  forget();
  if (!hasCome) {
    if (!isOver(ctx)) turns.refused?.(queue);
    const detail = "too many requests at once; try again in a few seconds";
    throw new Problem(503, "overloaded", detail, { "Retry-After": "5" });
  }
  let isServed = true;
  const leave = (): void => {
    if (isServed) limiter.leave();
    isServed = false;
  };
  ctx.state.leaveLimiter = leave;
  onEnded(ctx, leave);
}

/** Interactive requests, which come from a browser, go first. */
function priorityOf(ctx: AppContext): number {
  return ctx.get("Origin") === "" ? 0 : 1;
}
