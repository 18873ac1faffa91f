/** A fair semaphore: whoever waits longest goes first. No stream: who gets a slot keeps it as long as it likes. */
export interface Slots {
  /** Rejects with the signal's reason if it aborts first, or with the error that `close` was given. */
  acquire(scope: AbortSignal): Promise<void>;
  release(): void;
  usedCount(): number;
  /** Rejects all who wait and all who come. Slots in use stay so until they are released. */
  close(error: Error): void;
}

interface Waiter {
  readonly grant: () => void;
  readonly refuse: (error: Error) => void;
}

export function makeSlots(slotsMax: number): Slots {
  const waiters = new Set<Waiter>();
  let usedCount = 0;
  let closedBy: Error | undefined;

  function acquire(scope: AbortSignal): Promise<void> {
    if (scope.aborted) return Promise.reject(scope.reason as Error);
    if (closedBy) return Promise.reject(closedBy);
    if (usedCount < slotsMax) {
      usedCount += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiters.delete(waiter);
        scope.removeEventListener("abort", onAbort);
      };
      const onAbort = () => waiter.refuse(scope.reason as Error);
      const waiter: Waiter = {
        grant() {
          leave();
          usedCount += 1;
          resolve();
        },
        refuse(error) {
          leave();
          reject(error);
        },
      };
      waiters.add(waiter);
      scope.addEventListener("abort", onAbort, { once: true });
    });
  }

  return {
    acquire,
    release() {
      usedCount -= 1;
      const [next] = waiters;
      next?.grant();
    },
    usedCount: () => usedCount,
    close(error) {
      closedBy ??= error;
      for (const waiter of [...waiters]) waiter.refuse(error);
    },
  };
}
