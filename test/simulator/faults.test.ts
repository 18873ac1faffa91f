import { describe, expect, it } from "vitest";
import { drawFaultPlan, FAULT_KINDS, FAULTS } from "../../src/simulator/faults.ts";
import type { FaultKind } from "../../src/simulator/faults.ts";
import { SEEDS_COUNT } from "./budget.ts";
import { trySeed } from "./seed-report.ts";

/** The seed with the most of a kind: where it does not happen, it never will. */
function mostOf(kind: FaultKind): number {
  const shares = Array.from({ length: SEEDS_COUNT }, (_, at) => drawFaultPlan(at + 1)[kind] ?? 0);
  return shares.indexOf(Math.max(...shares)) + 1;
}

describe("within the seeds of every change, each fault", () => {
  const pending = new Set<FaultKind>(FAULT_KINDS);

  // One run has many kinds: those that another's has shown need none of their own.
  it("truly happens", { timeout: 120_000 }, async () => {
    for (const kind of FAULT_KINDS) {
      if (!pending.has(kind)) continue;
      for (const seed of [mostOf(kind), ...likely(kind)]) {
        const { result } = await trySeed(seed);
        for (const happened of result?.faults.keys() ?? []) pending.delete(happened);
        if (!pending.has(kind)) break;
      }
    }
    expect([...pending]).toEqual([]);
  });

  it("comes with intensities that differ by far", () => {
    for (const kind of FAULT_KINDS) {
      const drawn = Array.from({ length: SEEDS_COUNT }, (_, at) => drawFaultPlan(at + 1)[kind]);
      const shares = drawn.filter((share) => share !== undefined);
      expect(shares.length, kind).toBeGreaterThan(10);
      expect(shares.length, kind).toBeLessThan(SEEDS_COUNT * 0.75);
      expect(Math.max(...shares), kind).toBeGreaterThan(4 * Math.min(...shares));
      expect(Math.max(...shares), kind).toBeLessThanOrEqual(FAULTS[kind].share + 0.002);
    }
  });
});

function likely(kind: FaultKind): number[] {
  return Array.from({ length: SEEDS_COUNT }, (_, at) => at + 1)
    .filter((seed) => kind in drawFaultPlan(seed))
    .slice(0, 20);
}
