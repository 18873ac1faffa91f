/** The right to be the one dispatcher (spec §2.6). Held until released or lost. */
export interface Lease {
  /** Waits until the lease is ours. `onWait` is told who holds it, once per holder. */
  acquire(signal: AbortSignal, onWait: (holder: string) => void): Promise<void>;
  release(): Promise<void>;
}
