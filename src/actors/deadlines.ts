import type { ActorKey } from "../machines/model/ids.ts";

interface Entry {
  readonly key: ActorKey;
  readonly atMs: number;
}

/** A heap of deadlines, one an actor. Fires in order of (time, key). Stale entries are dropped when they surface. */
export class Deadlines {
  readonly #heap: Entry[] = [];
  readonly #current = new Map<ActorKey, number>();

  set(key: ActorKey, atMs: number | null): void {
    if (atMs === null) {
      this.#current.delete(key);
      return;
    }
    if (this.#current.get(key) === atMs) return;
    this.#current.set(key, atMs);
    this.#push({ key, atMs });
  }

  /** The earliest deadline, or undefined. */
  nextAtMs(): number | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (!top) return undefined;
      if (this.#current.get(top.key) === top.atMs) return top.atMs;
      this.#pop();
    }
  }

  /** Removes and returns the earliest one that is due. */
  takeDue(nowMs: number): ActorKey | undefined {
    const nextAtMs = this.nextAtMs();
    if (nextAtMs === undefined || nextAtMs > nowMs) return undefined;
    const { key } = this.#pop();
    this.#current.delete(key);
    return key;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0] as Entry;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child] as Entry)) child++;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.key < b.key);
}
