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
  /** Its client has gone, but nobody has noticed yet. */
  isAbandoned: boolean;
}

/** The requests in flight. */
export class RequestTable {
  readonly #open = new Set<OpenRequest>();

  add(request: OpenRequest): void {
    this.#open.add(request);
  }

  remove(request: OpenRequest): void {
    this.#open.delete(request);
  }

  /** The age of the oldest request, and of the oldest abandoned one; 0 when there is none. */
  oldest(nowMs: number): { activeMs: number; abandonedMs: number } {
    const ages = { activeMs: 0, abandonedMs: 0 };
    for (const { startedAtMs, isAbandoned } of this.#open) {
      const kind = isAbandoned ? "abandonedMs" : "activeMs";
      ages[kind] = Math.max(ages[kind], nowMs - startedAtMs);
    }
    return ages;
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
