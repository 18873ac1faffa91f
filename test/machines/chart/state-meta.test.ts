import fc from "fast-check";
import { setup } from "xstate";
import { expect, it } from "vitest";
import { metaOf, never } from "../../../src/machines/chart/state-meta.ts";
import type { StateMeta } from "../../../src/machines/chart/state-meta.ts";
import { dueAtMs } from "../../../src/machines/core/due.ts";
import type { AnySnapshot } from "../../../src/machines/core/registry.ts";
import { tell } from "../../../src/machines/core/tell.ts";
import { ACTOR_KINDS } from "../../../src/machines/model/ids.ts";
import type { ActorKind } from "../../../src/machines/model/ids.ts";
import { FactMachine, opArbitrary } from "../../support/fact-machine.ts";
import { settings } from "../../support/settings.ts";

it("a state that says nothing of itself is refused when its chart is loaded", () => {
  const chart = setup({ types: { meta: {} as StateMeta<unknown> } });
  const states = { open: { meta: { dueAtMs: never } }, shut: {} };
  const door = chart.createMachine({ id: "door", initial: "open", states });
  expect(() => metaOf(door.root)).toThrow("state shut of door does not say what it is");
  const house = chart.createMachine({
    id: "house",
    type: "parallel",
    states: { door: { initial: "open", states } },
  });
  expect(() => metaOf(house.root, "door")).toThrow("state shut of house.door");
});

/** Whoever is told the time though nothing is due there has a deadline that its state does not declare. */
it("the time moves nobody who has declared no deadline, or a later one", () => {
  const told = new Set<string>();
  const look = (machine: FactMachine, kind: ActorKind, id: string, before: AnySnapshot): void => {
    const dueMs = dueAtMs(kind, before);
    const atMs = (dueMs ?? 1e15) - 1;
    if (atMs < machine.nowMs) return;
    told.add(`${kind} ${dueMs === null ? "waits for no time" : "has a deadline"}`);
    const tick = { type: "clock.ticked", actorKind: kind, actorId: id } as const;
    const added = { atMs, seq: machine.core.seq + 1, settings: settings() };
    const { snapshot, commands } = tell(kind, before, { ...tick, lastGoodProbeAtMs: atMs }, added);
    expect([kind, snapshot.value, commands]).toEqual([kind, before.value, []]);
    expect(snapshot === before).toBe(true);
  };
  fc.assert(
    fc.property(fc.array(opArbitrary, { minLength: 20, maxLength: 150, size: "max" }), (ops) => {
      const machine = new FactMachine();
      for (const op of ops) {
        for (const fact of machine.facts(op)) machine.give(fact);
        for (const kind of ACTOR_KINDS)
          for (const [id, snapshot] of machine.core.registry.entries(kind))
            look(machine, kind, id, snapshot);
      }
    }),
    { numRuns: 40, seed: 20_261_129 },
  );
  expect([...told].sort()).toEqual([
    "container has a deadline",
    "container waits for no time",
    "quota waits for no time",
    "supervisor has a deadline",
    "supervisor waits for no time",
    "throttle has a deadline",
    "throttle waits for no time",
    "worker has a deadline",
    "worker waits for no time",
  ]);
});
