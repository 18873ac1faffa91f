/** Takes note of what has to be closed again. */
export type OnClose = (close: () => unknown) => void;

/** What was opened, to be closed in the opposite order. */
export class Closers {
  readonly #closers: (() => unknown)[] = [];

  readonly onClose: OnClose = (close) => void this.#closers.push(close);

  async closeAll(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }
}
