import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { QueueStoreError } from "../../../../src/drivers/queue/embedded/port.ts";
import { serveEmbedded, TOKEN } from "../serve.ts";

let served: Awaited<ReturnType<typeof serveEmbedded>>;
beforeEach(async () => {
  served = await serveEmbedded();
});
afterEach(() => served.close());

const CHANGES = [
  { state: "Running" },
  { state: "Complete", exit_code: 0 },
  { state: "Complete", exit_code: 1 },
  { state: "Cancelled" },
  { cost: 1 },
  { runtime_status: { error: "x" } },
  { state: "Queued" },
  { state: "Locked" },
  { priority: 0 },
];

const step = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ by: "root", action: "lock" } as const) },
  { weight: 1, arbitrary: fc.constant({ by: "root", action: "unlock" } as const) },
  { weight: 1, arbitrary: fc.constant({ by: "root", action: "cancel" } as const) },
  {
    weight: 4,
    arbitrary: fc.record({
      by: fc.constant("runner" as const),
      number: fc.integer({ min: 1, max: 4 }),
      // -1: gives it back.
      change: fc.integer({ min: -1, max: CHANGES.length - 1 }),
    }),
  },
);

it("whatever runners ask for, only that of the attempt that goes on changes anything", () => {
  const { store } = served;
  const authId = store.authIdOf(TOKEN);
  let changesCount = 0;
  const oneLife = (steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) => {
    const request = { command: ["x"], runtime_constraints: { vcpus: 1, ram: 1 } };
    const made = store.get("container_requests", store.submit(request), ["container_uuid"]);
    const { container_uuid: id } = JSON.parse(made) as { container_uuid: string };
    const record = () =>
      JSON.parse(store.get("containers", id, null)) as { state: string; lock_count: number };
    for (const each of steps) {
      const before = record();
      try {
        if (each.by === "runner") {
          const attempt = { containerId: id, number: each.number };
          const changes = CHANGES[each.change];
          if (!changes) store.unlockInAttempt(attempt, authId);
          else store.updateInAttempt(attempt, { changes, select: null }, authId);
        } else if (each.action === "cancel") {
          store.updateContainer(id, { state: "Cancelled" }, authId);
        } else store[each.action](id, authId);
      } catch (error) {
        expect(error).toBeInstanceOf(QueueStoreError);
        expect(record()).toEqual(before);
        continue;
      }
      if (each.by === "root" || JSON.stringify(record()) === JSON.stringify(before)) continue;
      changesCount++;
      expect(before.lock_count).toBe(each.number);
      expect(["Locked", "Running"]).toContain(before.state);
    }
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), oneLife), { numRuns: 60 });
  // It did come to that.
  expect(changesCount).toBeGreaterThan(0);
});
