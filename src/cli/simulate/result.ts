import type { Summary } from "../../simulator/meter.ts";

/** One column of a report. */
export interface Result {
  readonly name: string;
  /** `recorded`: from the journal itself; else simulated. */
  readonly how: "recorded" | "simulated";
  readonly summary: Summary;
  /** False: containers or instances were left when the simulation gave up. */
  readonly drained: boolean;
}
