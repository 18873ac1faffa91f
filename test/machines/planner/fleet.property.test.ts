import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fleet } from "../../../src/machines/planner/fleet.ts";
import { Kinds } from "../../../src/machines/planner/kind.ts";
import type { PlanContainer, PlanWorker } from "../../../src/machines/planner/view.ts";
import { EMPTY_VIEW, resources } from "./cases.ts";
import { pendingWorker, plainFind, plainSlot, reserve } from "./plain-plan.ts";

const TYPES = ["a", "b", "c", "d"];
const ready = fc.constantFrom("unknown", "booting", "idle", "running" as const);
const workers = fc.array(fc.record({ type: fc.constantFrom(...TYPES), state: ready }), {
  maxLength: 12,
});
const wishes = fc.array(fc.record({ resources, types: fc.subarray(TYPES), create: fc.boolean() }), {
  maxLength: 40,
});
/** Each pass begins with changes of the first workers. */
const passes = fc.array(fc.record({ workers, wishes }), { minLength: 1, maxLength: 3 });

function workerOf({ type, state }: { type: string; state: PlanWorker["state"] }, index: number) {
  return {
    workerId: `i${index}`,
    instanceId: `i${index}`,
    instanceType: type,
    state,
    idleBehavior: "run" as const,
    containerIds: [],
  };
}

describe("the fleet", () => {
  it("finds what a plain search by the letter of the rule finds, reservations and new instances included", () => {
    fc.assert(
      fc.property(passes, fc.constantFrom(0, 1, 3), (passes, max) => {
        const fleet = new Fleet(EMPTY_VIEW.instanceTypes, max, () => undefined);
        const kinds = new Kinds();
        const known = new Map<string, PlanWorker>();
        for (const { workers, wishes } of passes) {
          for (const worker of workers.map(workerOf)) {
            known.set(worker.workerId, worker);
            fleet.setWorker(worker.workerId, worker);
          }
          const plain = [...known.values()].map((worker) => plainSlot(worker, EMPTY_VIEW));
          fleet.begin();
          let createdCount = 0;
          for (const { resources, types, create } of wishes) {
            const wish = { resources, instanceTypes: types } as unknown as PlanContainer;
            const expected = plainFind(plain, wish, max);
            const kind = kinds.enter(wish);
            const found = fleet.find(kind);
            expect(found?.worker.workerId).toBe(expected?.worker.workerId);
            if (found && expected) {
              fleet.reserve(found, resources);
              reserve(expected, wish);
              continue;
            }
            const type = types[0] === undefined ? undefined : EMPTY_VIEW.instanceTypes[types[0]];
            if (!create || !type) continue;
            fleet.add(type, resources);
            const slot = plainSlot(pendingWorker(createdCount++, type.name), EMPTY_VIEW);
            reserve(slot, wish);
            plain.push(slot);
          }
          fleet.end();
        }
      }),
      { numRuns: 500 },
    );
  });
});
