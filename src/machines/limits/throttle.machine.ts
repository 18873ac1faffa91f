import { assign, setup } from "xstate";
import type { SnapshotFrom } from "xstate";
import { never } from "../chart/state-meta.ts";
import { CREATE_CONCURRENCY_HOLD_MS } from "../model/settings.ts";
import { heldUntilMs, isOver, NOT_HELD } from "./hold.ts";
import type { HoldContext, LimitEvent, LimitMeta } from "./hold.ts";

/** The pause after a create that failed for no known reason doubles from the first to the last of these. */
const RETRY_FIRST_MS = 100;
const RETRY_LAST_MS = 30_000;

/** Creates held back for a while: by a rate limit, by too many at once, or after an unknown failure (specification §7.6, §7.10). */
export const throttleMachine = setup({
  types: { context: {} as HoldContext, events: {} as LimitEvent, meta: {} as LimitMeta },
  actions: {
    holdAfterFailure: assign(({ context, event }) => {
      if (event.type !== "create.failed") return {};
      const pauseMs = Math.min(RETRY_FIRST_MS * 2 ** context.failuresCount, RETRY_LAST_MS);
      return {
        // A failure of another kind does not end what a rate limit asked for.
        untilMs: Math.max(context.untilMs ?? 0, event.retryAtMs ?? event.atMs + pauseMs),
        failuresCount: context.failuresCount + 1,
        message: event.message,
      };
    }),
    holdForTurn: assign(({ event }) => ({
      untilMs: event.atMs + CREATE_CONCURRENCY_HOLD_MS,
      message: "as many creates as may be in flight at once",
    })),
    forgetFailures: assign({ failuresCount: 0 }),
    release: assign({ untilMs: null, message: "" }),
  },
  guards: {
    isOver: ({ context, event }) => isOver(context, event),
    hasFailed: ({ context }) => context.failuresCount > 0,
  },
}).createMachine({
  id: "throttle",
  context: NOT_HELD,
  initial: "open",
  on: {
    "create.failed": { target: ".held", actions: "holdAfterFailure" },
    "create.succeeded": { guard: "hasFailed", actions: "forgetFailures" },
  },
  states: {
    open: {
      meta: { dueAtMs: never },
      on: { "create.declined": { target: "held", actions: "holdForTurn" } },
    },
    held: {
      meta: { dueAtMs: heldUntilMs },
      on: { "clock.ticked": { guard: "isOver", target: "open", actions: "release" } },
    },
  },
});

export type ThrottleSnapshot = SnapshotFrom<typeof throttleMachine>;
