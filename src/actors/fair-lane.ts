export interface FairLaneOptions<T> {
  /** Jobs at once, and of one owner. */
  readonly atOnceMax: number;
  readonly ofOneMax: number;
  readonly ownerOf: (job: T) => string;
  /** Never rejects. */
  readonly run: (job: T) => Promise<void>;
}

/**
 * Runs jobs as they come, so many at once and fewer of one owner: whose jobs hang keeps none but its own waiting. A loop:
 * streams have no operator that takes turns between groups under one bound.
 */
export class FairLane<T> {
  readonly #options: FairLaneOptions<T>;
  /** In turn: who has had one begun goes to the end. */
  readonly #waiting = new Map<string, T[]>();
  readonly #running = new Map<string, number>();
  #runningCount = 0;
  #stopped = false;

  constructor(options: FairLaneOptions<T>) {
    this.#options = options;
  }

  add(job: T): void {
    const owner = this.#options.ownerOf(job);
    const jobs = this.#waiting.get(owner);
    if (jobs) jobs.push(job);
    else this.#waiting.set(owner, [job]);
    this.#begin();
  }

  /** Begins none any more. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
  }

  #begin(): void {
    while (!this.#stopped && this.#runningCount < this.#options.atOnceMax) {
      const owner = this.#nextOwner();
      if (owner === undefined) return;
      const jobs = this.#waiting.get(owner) ?? [];
      const job = jobs.shift();
      this.#waiting.delete(owner);
      if (jobs.length > 0) this.#waiting.set(owner, jobs);
      if (job !== undefined) void this.#run(owner, job);
    }
  }

  #nextOwner(): string | undefined {
    for (const owner of this.#waiting.keys())
      if ((this.#running.get(owner) ?? 0) < this.#options.ofOneMax) return owner;
    return undefined;
  }

  async #run(owner: string, job: T): Promise<void> {
    this.#count(owner, 1);
    try {
      await this.#options.run(job);
    } finally {
      this.#count(owner, -1);
      this.#begin();
    }
  }

  #count(owner: string, change: 1 | -1): void {
    this.#runningCount += change;
    const count = (this.#running.get(owner) ?? 0) + change;
    if (count > 0) this.#running.set(owner, count);
    else this.#running.delete(owner);
  }
}
