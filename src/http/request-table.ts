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

/** The requests in flight. */
export class RequestTable {
  readonly #open = new Set<OpenRequest>();

  add(request: OpenRequest): void {
    this.#open.add(request);
  }

  remove(request: OpenRequest): void {
    this.#open.delete(request);
  }

  /** For `arvados_max_active_request_age_seconds`; 0 when there is none. */
  oldestAgeMs(nowMs: number): number {
    let oldestMs = 0;
    for (const { startedAtMs } of this.#open) oldestMs = Math.max(oldestMs, nowMs - startedAtMs);
    return oldestMs;
  }

  /** As spec §11.6 lists them, youngest first. */
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
