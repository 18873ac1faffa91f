import { Tally } from "./tally.ts";

/** Ids of the rows that changed, came or left since the last time; null: all of them. */
export type ChangedIds = ReadonlySet<string> | null;
export type TableListener = (changed: ChangedIds) => void;

/** Rows of one kind by id. Listeners are told once a batch, never for a single row. */
export class RowTable<Row> {
  readonly tally: Tally<Row>;
  readonly #idOf: (row: Row) => string;
  readonly #rows = new Map<string, Row>();
  readonly #listeners = new Set<TableListener>();
  #changed: Set<string> | null = new Set();

  constructor(idOf: (row: Row) => string, tallyKeys: (row: Row) => readonly string[]) {
    this.#idOf = idOf;
    this.tally = new Tally(tallyKeys);
  }

  get size(): number {
    return this.#rows.size;
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  values(): IterableIterator<Row> {
    return this.#rows.values();
  }

  /** Puts a row in the place of the one with its id, or takes that away; returns what was there. */
  put(id: string, row: Row | undefined): Row | undefined {
    const before = this.#rows.get(id);
    if (before !== undefined) this.tally.add(before, -1);
    if (row === undefined) this.#rows.delete(id);
    else {
      this.#rows.set(id, row);
      this.tally.add(row, 1);
    }
    this.#changed?.add(id);
    return before;
  }

  /** All rows at once. */
  load(rows: readonly Row[]): void {
    this.#rows.clear();
    this.tally.clear();
    for (const row of rows) {
      this.#rows.set(this.#idOf(row), row);
      this.tally.add(row, 1);
    }
    this.#changed = null;
  }

  /** Calls back after each batch with changes; returns what ends that. */
  subscribe(listener: TableListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells the listeners; true if there was something to tell. */
  flush(): boolean {
    const changed = this.#changed;
    if (changed?.size === 0) return false;
    this.#changed = new Set();
    for (const listener of this.#listeners) listener(changed);
    return true;
  }
}
