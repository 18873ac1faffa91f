/** One measured number, as `npm run bench` prints it. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the design asks for, or what the part below does alone: docs/performance.md tells which. */
  readonly limit?: number;
}

export interface BenchOptions {
  /** Smaller sizes and fewer rounds. */
  readonly quick: boolean;
}

/** The CPU time of this process, in ms: what other programs take meanwhile does not count. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const BUDGET_MS = 3_000;
const QUICK_BUDGET_MS = 600;
const ROUNDS_MIN = 3;

/** Median CPU time of a round, in ms, over as many rounds as there is time for. */
export function medianCpuMs({ quick }: BenchOptions, round: () => void): number {
  const times: number[] = [];
  const untilMs = cpuMs() + (quick ? QUICK_BUDGET_MS : BUDGET_MS);
  while (times.length < ROUNDS_MIN || cpuMs() < untilMs) {
    const beganMs = cpuMs();
    round();
    times.push(cpuMs() - beganMs);
  }
  return median(times);
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Work that is always the same, to compare machines by: 20,000 entries of a map, sorted. */
export function yardstickMs(): number {
  return medianCpuMs({ quick: true }, () => {
    const numbers = new Map<string, number>();
    for (let n = 0; n < 20_000; n++) numbers.set(`zzzzz-dz642-${n}`, (n * 7_919) % 10_007);
    [...numbers.entries()].sort((a, b) => a[1] - b[1]);
  });
}
