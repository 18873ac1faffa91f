/**
 * What a killed process no longer does: it calls nobody, and no answer reaches it. What it had asked for goes on outside.
 */
export class Lifeline {
  #cut = false;

  get alive(): boolean {
    return !this.#cut;
  }

  cut(): void {
    this.#cut = true;
  }

  async call<T>(run: () => Promise<T>): Promise<T> {
    if (this.#cut) return never();
    try {
      const value = await run();
      return this.#cut ? await never() : value;
    } catch (error) {
      if (this.#cut) return never();
      throw error;
    }
  }
}

export function never(): Promise<never> {
  return new Promise(() => {});
}
