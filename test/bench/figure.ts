/** One measured number, as `npm run bench` prints it. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the design asks for, or what the part below does alone: docs/performance.md tells which. */
  readonly limit?: number;
}
