import { lockHolder, tryLock, type FileLock } from "./file-lock.ts";
import type { Lease } from "./port.ts";

const POLL_MS = 250;

interface Timers {
  setTimer(delayMs: number, callback: () => void): () => void;
}

/**
 * The lease as a lock on a file, for dispatchers on one machine (spec §2.6). Freed by the system when its holder dies.
 * `acquire` looks four times a second and rejects with the signal's reason, or with `Error` where the file cannot be
 * locked at all.
 */
export function makeFileLease(path: string, timers: Timers): Lease {
  let lock: FileLock | undefined;
  return {
    async acquire(signal, onWait) {
      let told: string | undefined;
      for (;;) {
        signal.throwIfAborted();
        lock ??= tryLock(path);
        if (lock) return;
        const holder = lockHolder(path);
        if (holder !== told) onWait(holder);
        told = holder;
        await pause(timers, signal);
      }
    },
    async release() {
      lock?.release();
      lock = undefined;
    },
  };
}

function pause(timers: Timers, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = timers.setTimer(POLL_MS, done);
    signal.addEventListener("abort", done, { once: true });
  });
}
