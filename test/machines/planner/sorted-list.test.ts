import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SortedList } from "../../../src/machines/planner/sorted-list.ts";

const steps = fc.array(
  fc.record({
    // A number is added where it is not there, and removed where it is.
    turned: fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 60 }),
    reads: fc.constantFrom("not", "items", "share"),
  }),
  { maxLength: 8 },
);

describe("SortedList", () => {
  it("is in order after any changes, and leaves what it has shared as it was", () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const list = new SortedList<number>((a, b) => a - b);
        const plain = new Set<number>();
        const shared: { list: readonly number[]; then: number[] }[] = [];
        for (const { turned, reads } of steps) {
          for (const number of turned) {
            if (plain.delete(number)) list.remove(number);
            else {
              plain.add(number);
              list.add(number);
            }
          }
          expect(list.length).toBe(plain.size);
          const expected = [...plain].sort((a, b) => a - b);
          if (reads !== "not") expect(list.items()).toEqual(expected);
          if (reads === "share") shared.push({ list: list.share(), then: expected });
        }
        for (const { list, then } of shared) expect(list).toEqual(then);
      }),
    );
  });
});
