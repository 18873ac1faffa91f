import type { Settings } from "./settings.ts";

/** What the core adds to whatever it tells a machine. */
export interface Delivered {
  readonly atMs: number;
  /** Its place in the journal. */
  readonly seq: number;
  /** The configuration in force. */
  readonly settings: Settings;
}

/** An event before the core has added that. */
export type Undelivered<E> = E extends unknown ? Omit<E, keyof Delivered> : never;
