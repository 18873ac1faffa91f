/** A request that has not been answered in full. */
export interface OpenRequest {
  readonly requestId: string;
  readonly method: string;
  readonly host: string;
  /** Tokens in it are hidden. */
  readonly url: string;
  readonly remoteAddress: string;
  readonly forwardedFor: string;
  readonly startedAtMs: number;
}

/** The requests in flight, and apart from them those whose client has gone while the work for them goes on. */
export class RequestTable {
  readonly #open = new Set<OpenRequest>();
  readonly #abandoned = new Set<OpenRequest>();

  add(request: OpenRequest): void {
    this.#open.add(request);
  }

  /** Its client has gone. */
  abandon(request: OpenRequest): void {
    if (this.#open.delete(request)) this.#abandoned.add(request);
  }

  remove(request: OpenRequest): void {
    this.#open.delete(request);
    this.#abandoned.delete(request);
  }

  /** The age of the oldest request, and of the oldest abandoned one, in ms; 0 when there is none. */
  oldest(nowMs: number): { activeMs: number; abandonedMs: number } {
    return {
      activeMs: oldestOf(this.#open, nowMs),
      abandonedMs: oldestOf(this.#abandoned, nowMs),
    };
  }

  /** As specification §11.6 lists them, youngest first. */
  list(nowMs: number): object[] {
    return [...this.#open]
      .sort((a, b) => b.startedAtMs - a.startedAtMs)
      .map((request) => ({
        RequestID: request.requestId,
        Method: request.method,
        Host: request.host,
        URL: request.url,
        RemoteAddr: request.remoteAddress,
        XForwardedFor: request.forwardedFor,
        Elapsed: (nowMs - request.startedAtMs) / 1000,
      }));
  }
}

function oldestOf(requests: ReadonlySet<OpenRequest>, nowMs: number): number {
  let ageMs = 0;
  for (const { startedAtMs } of requests) ageMs = Math.max(ageMs, nowMs - startedAtMs);
  return ageMs;
}
