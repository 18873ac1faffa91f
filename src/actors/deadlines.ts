import type { ActorKey } from "../machines/model/ids.ts";
import { Heap } from "./heap.ts";

interface Entry {
  readonly key: ActorKey;
  readonly atMs: number;
}

/** Deadlines, one an actor, in order of (time, key). Stale entries are dropped when they surface. */
export class Deadlines {
  readonly #heap = new Heap<Entry>(
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.key < b.key),
  );
  readonly #current = new Map<ActorKey, number>();

  set(key: ActorKey, atMs: number | null): void {
    if (atMs === null) {
      this.#current.delete(key);
      return;
    }
    if (this.#current.get(key) === atMs) return;
    this.#current.set(key, atMs);
    this.#heap.push({ key, atMs });
  }

  /** The earliest deadline, or undefined. */
  nextAtMs(): number | undefined {
    for (let top = this.#heap.peek(); top; top = this.#heap.peek()) {
      if (this.#current.get(top.key) === top.atMs) return top.atMs;
      this.#heap.pop();
    }
    return undefined;
  }

  /** Removes and returns the earliest one that is due. */
  takeDue(nowMs: number): ActorKey | undefined {
    const nextAtMs = this.nextAtMs();
    if (nextAtMs === undefined || nextAtMs > nowMs) return undefined;
    const { key } = this.#heap.pop() as Entry;
    this.#current.delete(key);
    return key;
  }
}
