/** How many rows have each of some keys, kept up as rows come and go. */
export class Tally<Row> {
  readonly #keysOf: (row: Row) => readonly string[];
  readonly #counts = new Map<string, number>();

  constructor(keysOf: (row: Row) => readonly string[]) {
    this.#keysOf = keysOf;
  }

  add(row: Row, by: 1 | -1): void {
    for (const key of this.#keysOf(row)) {
      const count = (this.#counts.get(key) ?? 0) + by;
      if (count === 0) this.#counts.delete(key);
      else this.#counts.set(key, count);
    }
  }

  clear(): void {
    this.#counts.clear();
  }

  toObject(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
