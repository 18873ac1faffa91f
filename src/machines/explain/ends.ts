/** Keeps the first and the last of many: of a long life the beginning and the end tell most. */
export class Ends<T> {
  readonly #oldestMax: number;
  readonly #newestMax: number;
  readonly #oldest: T[] = [];
  #newest: T[] = [];
  #omitted = 0;

  constructor({ oldestMax, newestMax }: { oldestMax: number; newestMax: number }) {
    this.#oldestMax = oldestMax;
    this.#newestMax = newestMax;
  }

  add(item: T): void {
    if (this.#oldest.length < this.#oldestMax) this.#oldest.push(item);
    else if (this.#newest.push(item) > 2 * this.#newestMax) this.#trim();
  }

  finish(): { kept: T[]; omitted: number } {
    this.#trim();
    return { kept: [...this.#oldest, ...this.#newest], omitted: this.#omitted };
  }

  #trim(): void {
    const tooMany = this.#newest.length - this.#newestMax;
    if (tooMany <= 0) return;
    this.#newest = this.#newest.slice(tooMany);
    this.#omitted += tooMany;
  }
}
