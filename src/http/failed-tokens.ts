import { isIPv6 } from "node:net";
import type { Clock } from "../actors/clock.ts";
import type { AppContext, AppMiddleware } from "./context.ts";
import { onEnded } from "./request-life.ts";

interface Failures {
  count: number;
  lastAtMs: number;
}

interface FailedTokensOptions {
  readonly nowMs: () => number;
  /** Addresses that are remembered; the one that failed longest ago goes first. */
  readonly addressesMax?: number;
  readonly delayMaxMs?: number;
}

const FIRST_DELAY_MS = 50;
const DELAY_MAX_MS = 5_000;
const FORGOTTEN_AFTER_MS = 60_000;
const ADDRESSES_MAX = 4_096;

/** How often whom was refused a wrong token, in a table that does not grow with the number of those who try. */
export class FailedTokens {
  readonly #options: FailedTokensOptions;
  /** The one that failed longest ago is first. */
  readonly #table = new Map<string, Failures>();

  constructor(options: FailedTokensOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#table.size;
  }

  /** Counts one more. Returns how long to keep the answer back, in ms: twice as long each time. */
  note(address: string): number {
    const { nowMs, addressesMax = ADDRESSES_MAX, delayMaxMs = DELAY_MAX_MS } = this.#options;
    const key = addressKey(address);
    const before = this.#table.get(key);
    this.#table.delete(key);
    const isFresh = before && Math.abs(nowMs() - before.lastAtMs) < FORGOTTEN_AFTER_MS;
    const count = isFresh ? before.count + 1 : 1;
    this.#table.set(key, { count, lastAtMs: nowMs() });
    for (const oldest of this.#table.keys()) {
      if (this.#table.size <= addressesMax) break;
      this.#table.delete(oldest);
    }
    return Math.min(delayMaxMs, FIRST_DELAY_MS * 2 ** Math.min(count - 1, 20));
  }
}

/** Whose network it is: an IPv4 address, or the first 64 bits of an IPv6 address, which one client has all of. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [bare = ""] = address.split("%");
  if (!isIPv6(bare)) return address;
  const [left = "", right] = bare.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  const groups = right === undefined ? head : [...head, ...zeros, ...tail];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

interface LateOptions {
  readonly failedTokens: FailedTokens;
  readonly clock: Pick<Clock, "setTimer">;
  /** What waits holds a turn of the strangers', so that not many can. */
  readonly limit: AppMiddleware;
}

/** Keeps the answer to a wrong token back. Goes by the connection's address: `X-Forwarded-For` is whatever its sender likes. */
export function answerLate({ failedTokens, clock, limit }: LateOptions): AppMiddleware {
  return (ctx, next) => {
    if (!ctx.state.hasWrongToken) return next();
    const delayMs = failedTokens.note(ctx.socket.remoteAddress ?? "");
    return limit(ctx, async () => {
      await waitFor(ctx, clock, delayMs);
      await next();
    });
  };
}

function waitFor(ctx: AppContext, clock: Pick<Clock, "setTimer">, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(delayMs, () => {
      forget();
      resolve();
    });
    const forget = onEnded(ctx, () => {
      cancel();
      resolve();
    });
  });
}
