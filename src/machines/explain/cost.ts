import type { Settings } from "../model/settings.ts";
import type { WorkerSnapshot } from "../worker/worker.machine.ts";
import type { WorkerExplanation } from "./explanation.ts";

const HOUR_MS = 3_600_000;

/** What an instance costs: from when the cloud named it until it was gone, at the price of its type in the config. */
export class Cost {
  #price = 0;
  #fromAtMs: number | null = null;
  #toAtMs: number | null = null;
  /** Until then the amount is complete. */
  #countedAtMs = 0;
  #amount = 0;

  begin(worker: WorkerSnapshot, settings: Settings | null): void {
    this.follow(worker, worker.context.appearedAtMs, { settings, ended: false });
  }

  follow(
    { context }: WorkerSnapshot,
    atMs: number,
    { settings, ended }: { settings: Settings | null; ended: boolean },
  ): void {
    const types = settings?.instanceTypes ?? {};
    const price = Object.hasOwn(types, context.instanceType)
      ? (types[context.instanceType]?.price ?? 0)
      : this.#price;
    if (this.#fromAtMs === null && context.instanceId !== "") {
      this.#fromAtMs = context.appearedAtMs;
      this.#countedAtMs = context.appearedAtMs;
      this.#price = price;
    }
    // A new config may have another price: what was before it is counted at the old one.
    if (price !== this.#price) this.#count(atMs);
    this.#price = price;
    if (ended) this.end(atMs);
  }

  /** It is gone. */
  end(atMs: number): void {
    this.#count(atMs);
    if (this.#fromAtMs !== null) this.#toAtMs ??= atMs;
  }

  finish(asOfMs: number): WorkerExplanation["cost"] {
    if (this.#toAtMs === null) this.#count(asOfMs);
    return {
      pricePerHour: this.#price,
      fromAtMs: this.#fromAtMs,
      toAtMs: this.#toAtMs,
      amount: this.#amount,
    };
  }

  #count(atMs: number): void {
    if (this.#fromAtMs === null || this.#toAtMs !== null) return;
    this.#amount += (this.#price * Math.max(0, atMs - this.#countedAtMs)) / HOUR_MS;
    this.#countedAtMs = atMs;
  }
}
