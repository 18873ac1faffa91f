import { assign, setup } from "xstate";
import type { SnapshotFrom } from "xstate";
import { never } from "../chart/state-meta.ts";
import { CAPACITY_HOLD_MS } from "../model/settings.ts";
import { heldUntilMs, isOver, NOT_HELD } from "./hold.ts";
import type { HoldContext, LimitEvent, LimitMeta } from "./hold.ts";

/** The cloud's capacity for one key of specification §7.6: a provider type, a quota group, or everything. */
export const capacityMachine = setup({
  types: { context: {} as HoldContext, events: {} as LimitEvent, meta: {} as LimitMeta },
  actions: {
    hold: assign(({ context, event }) => ({
      untilMs: event.atMs + CAPACITY_HOLD_MS,
      failuresCount: context.failuresCount + 1,
      message: event.type === "create.failed" ? event.message : context.message,
    })),
    release: assign({ untilMs: null }),
  },
  guards: { isOver: ({ context, event }) => isOver(context, event) },
}).createMachine({
  id: "capacity",
  context: NOT_HELD,
  initial: "available",
  on: { "create.failed": { target: ".exhausted", actions: "hold" } },
  states: {
    available: { meta: { dueAtMs: never } },
    exhausted: {
      meta: { dueAtMs: heldUntilMs },
      on: { "clock.ticked": { guard: "isOver", target: "available", actions: "release" } },
    },
  },
});

export type CapacitySnapshot = SnapshotFrom<typeof capacityMachine>;
