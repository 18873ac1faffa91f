export type Compare<T> = (a: T, b: T) => number;

/** From here on, merging the whole list costs less than moving its end for each item. */
const SPLICES_MAX = 16;

/**
 * Distinct items in a total order. Changes are gathered and made when the list is next read. What `share` gave out never
 * changes: the next change is made on a copy.
 */
export class SortedList<T> {
  readonly #compare: Compare<T>;
  readonly #sort: (items: T[]) => T[];
  readonly #added = new Set<T>();
  readonly #removed = new Set<T>();
  #items: T[] = [];
  #isShared = false;

  constructor(compare: Compare<T>, sort: (items: T[]) => T[] = (items) => items.sort(compare)) {
    this.#compare = compare;
    this.#sort = sort;
  }

  get length(): number {
    return this.#items.length + this.#added.size - this.#removed.size;
  }

  add(item: T): void {
    if (!this.#removed.delete(item)) this.#added.add(item);
  }

  remove(item: T): void {
    if (!this.#added.delete(item)) this.#removed.add(item);
  }

  /** In order, until the next change. */
  items(): readonly T[] {
    const changesCount = this.#added.size + this.#removed.size;
    if (changesCount === 0) return this.#items;
    if (changesCount > SPLICES_MAX) this.#merge();
    else this.#splice();
    this.#isShared = false;
    this.#added.clear();
    this.#removed.clear();
    return this.#items;
  }

  /** In order, for good. */
  share(): readonly T[] {
    const items = this.items();
    this.#isShared = true;
    return items;
  }

  #splice(): void {
    if (this.#isShared) this.#items = this.#items.slice();
    for (const item of this.#removed) {
      this.#items.splice(firstNotBefore(this.#items, item, this.#compare), 1);
    }
    for (const item of this.#added) {
      this.#items.splice(firstNotBefore(this.#items, item, this.#compare), 0, item);
    }
  }

  #merge(): void {
    const added = this.#sort([...this.#added]);
    const removed = this.#removed;
    const merged: T[] = [];
    let next = 0;
    for (const item of this.#items) {
      if (removed.size > 0 && removed.has(item)) continue;
      while (next < added.length && this.#compare(added[next]!, item) < 0) {
        merged.push(added[next++]!);
      }
      merged.push(item);
    }
    while (next < added.length) merged.push(added[next++]!);
    this.#items = merged;
  }
}

/** Index of the first item that does not come before the given one. */
export function firstNotBefore<T>(items: readonly T[], item: T, compare: Compare<T>): number {
  return firstIndex(items, (other) => compare(other, item) >= 0);
}

/** Index of the first item for which `holds`, which then has to hold for all behind it. */
export function firstIndex<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(items[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
