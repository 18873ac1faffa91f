import type { Alarm } from "../../http/view-options.ts";

export const ALARMS = [
  "journal",
  "queue",
  "cloud",
  "clock",
  "journal-missing",
  "journal-damage",
  "journal-witness",
] as const;
export type AlarmName = (typeof ALARMS)[number];

/** What is wrong now, and since when. */
export class Alarms {
  readonly #raised = new Map<AlarmName, Alarm>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** "" clears it. Answers whether it has come or gone. */
  set(alarm: AlarmName, message: string): boolean {
    const before = this.#raised.get(alarm);
    if (message === "") return this.#raised.delete(alarm);
    this.#raised.set(alarm, { alarm, message, sinceMs: before?.sinceMs ?? this.#nowMs() });
    return before === undefined;
  }

  list(): readonly Alarm[] {
    return [...this.#raised.values()];
  }

  isRaised(alarm: AlarmName): boolean {
    return this.#raised.has(alarm);
  }
}
