import { assign, setup } from "xstate";
import type { SnapshotFrom } from "xstate";
import { never } from "../chart/state-meta.ts";
import { QUOTA_HOLD_MS } from "../model/settings.ts";
import { heldUntilMs, isOver } from "./hold.ts";
import type { LimitEvent, LimitMeta } from "./hold.ts";

interface QuotaContext {
  /** Closed until there are fewer instances than this; 0 when unknown. */
  readonly fewerThan: number;
  readonly untilMs: number | null;
  readonly message: string;
}

type Failed = Extract<LimitEvent, { type: "create.failed" }>;

/** The cloud account's quota (specification §7.6): learned from the refusals of the cloud. */
export const quotaMachine = setup({
  types: { context: {} as QuotaContext, events: {} as LimitEvent, meta: {} as LimitMeta },
  actions: {
    learn: assign(({ context, event }) => {
      const { otherInstancesCount, message } = event as Failed;
      const lower = context.fewerThan === 0 || otherInstancesCount < context.fewerThan;
      return { fewerThan: lower ? otherInstancesCount : context.fewerThan, untilMs: null, message };
    }),
    wait: assign(({ event }) => ({
      fewerThan: 0,
      untilMs: event.atMs + QUOTA_HOLD_MS,
      message: (event as Failed).message,
    })),
    forget: assign({ fewerThan: 0, untilMs: null, message: "" }),
  },
  guards: {
    othersExist: ({ event }) => (event as Failed).otherInstancesCount >= 1,
    hasFewer: ({ context, event }) =>
      event.type === "instances.counted" && event.instancesCount < context.fewerThan,
    isOver: ({ context, event }) => isOver(context, event),
  },
}).createMachine({
  id: "quota",
  context: { fewerThan: 0, untilMs: null, message: "" },
  initial: "open",
  on: {
    "create.failed": [
      { guard: "othersExist", target: ".closedUntilFewer", actions: "learn" },
      { target: ".closedForAWhile", actions: "wait" },
    ],
  },
  states: {
    open: { meta: { dueAtMs: never } },
    closedUntilFewer: {
      meta: { dueAtMs: never },
      on: { "instances.counted": { guard: "hasFewer", target: "open", actions: "forget" } },
    },
    closedForAWhile: {
      meta: { dueAtMs: heldUntilMs },
      on: { "clock.ticked": { guard: "isOver", target: "open", actions: "forget" } },
    },
  },
});

export type QuotaSnapshot = SnapshotFrom<typeof quotaMachine>;
