/**
 * Tells listeners of changes once all that happens now has happened: in a microtask, not with a frame, since a tab that
 * is not seen has no frames.
 */
export class Batch {
  readonly #flush: () => void;
  #isDue = false;

  constructor(flush: () => void) {
    this.#flush = flush;
  }

  schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#flush();
    });
  }
}
