import { signal } from "@preact/signals";
import type { ChangedIds, RowTable } from "./row-table.ts";

export interface Selection<Row> {
  readonly matches: (row: Row) => boolean;
  /** A total order: rows that differ in their id are never equal. */
  readonly compare: (a: Row, b: Row) => number;
}

/** Beyond so many changes at once it is cheaper to merge than to move them one by one. */
const MOVES_MAX = 64;

/**
 * The rows of a table that match, in order. It is kept up by what changes; all rows are looked at only when the table
 * is loaded or something else is asked for.
 */
export class SortedIndex<Row> {
  /** Counts changes of `rows`. */
  readonly version = signal(0);
  readonly #table: RowTable<Row>;
  readonly #idOf: (row: Row) => string;
  /** Each row as it stands in the order: a changed one is found by what it was. */
  readonly #placed = new Map<string, Row>();
  #rows: Row[] = [];
  #selection: Selection<Row>;

  constructor(table: RowTable<Row>, idOf: (row: Row) => string, selection: Selection<Row>) {
    this.#table = table;
    this.#idOf = idOf;
    this.#selection = selection;
    table.subscribe((changed) => this.#update(changed));
    this.#rebuild();
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  select(selection: Selection<Row>): void {
    this.#selection = selection;
    this.#rebuild();
    this.version.value = this.version.peek() + 1;
  }

  #rebuild(): void {
    const { matches, compare } = this.#selection;
    this.#rows = [...this.#table.values()].filter(matches).sort(compare);
    this.#placed.clear();
    for (const row of this.#rows) this.#placed.set(this.#idOf(row), row);
  }

  #update(changed: ChangedIds): void {
    if (changed === null) this.#rebuild();
    else if (!(changed.size > MOVES_MAX ? this.#merge(changed) : this.#move(changed))) return;
    this.version.value = this.version.peek() + 1;
  }

  /** False if none of them is or was among the rows. */
  #move(changed: ReadonlySet<string>): boolean {
    let isMoved = false;
    // Whoever keeps the old rows sees by the new array that something has changed.
    this.#rows = this.#rows.slice();
    for (const id of changed) {
      const before = this.#take(id);
      if (before) this.#rows.splice(this.#placeOf(before), 1);
      const row = this.#matching(id);
      if (row) {
        this.#rows.splice(this.#placeOf(row), 0, row);
        this.#placed.set(id, row);
      }
      isMoved ||= before !== undefined || row !== undefined;
    }
    return isMoved;
  }

  #merge(changed: ReadonlySet<string>): boolean {
    const gone = new Set<Row>();
    const come: Row[] = [];
    for (const id of changed) {
      const before = this.#take(id);
      if (before) gone.add(before);
      const row = this.#matching(id);
      if (row) {
        come.push(row);
        this.#placed.set(id, row);
      }
    }
    if (gone.size === 0 && come.length === 0) return false;
    const { compare } = this.#selection;
    const kept = gone.size === 0 ? this.#rows : this.#rows.filter((row) => !gone.has(row));
    this.#rows = merged(kept, come.sort(compare), compare);
    return true;
  }

  #take(id: string): Row | undefined {
    const before = this.#placed.get(id);
    this.#placed.delete(id);
    return before;
  }

  #matching(id: string): Row | undefined {
    const row = this.#table.get(id);
    return row !== undefined && this.#selection.matches(row) ? row : undefined;
  }

  /** Where it stands, or would. */
  #placeOf(row: Row): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#selection.compare(this.#rows[middle] as Row, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function merged<Row>(a: readonly Row[], b: readonly Row[], compare: (a: Row, b: Row) => number) {
  const rows: Row[] = [];
  let next = 0;
  for (const row of a) {
    for (; next < b.length && compare(b[next] as Row, row) < 0; next++) rows.push(b[next] as Row);
    rows.push(row);
  }
  for (; next < b.length; next++) rows.push(b[next] as Row);
  return rows;
}
