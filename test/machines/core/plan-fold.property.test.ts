import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planView } from "../../../src/machines/core/view.ts";
import { FactMachine, opArbitrary } from "../../support/fact-machine.ts";
import { plainPlan } from "../planner/plain-plan.ts";

describe("what the planner reads, kept up with every change of an actor", () => {
  it("gives the queue and the metrics that a look at all actors gives", () => {
    let comparedCount = 0;
    const ops = fc.array(opArbitrary, { minLength: 20, maxLength: 150, size: "max" });
    fc.assert(
      fc.property(ops, (ops) => {
        const machine = new FactMachine();
        for (const input of ops.flatMap((op) => machine.facts(op))) {
          const { registry, settings, limits } = machine.core;
          const isRun = input.type === "planner.ran" && settings && limits;
          const fact = { ...input, atMs: machine.nowMs };
          const plain =
            isRun && fact.type === "planner.ran"
              ? plainPlan(planView(registry, settings, fact), settings, limits)
              : undefined;
          const { queue } = machine.give(input);
          if (!plain || !queue?.metrics) continue;
          expect(queue.statuses()).toEqual(plain.statuses);
          expect(queue.metrics).toEqual(plain.metrics);
          comparedCount++;
        }
      }),
      { numRuns: 40 },
    );
    expect(comparedCount).toBeGreaterThan(100);
  });
});
