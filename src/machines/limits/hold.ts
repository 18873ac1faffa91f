import type { StateMeta } from "../chart/state-meta.ts";

/** Events of the machines that hold creates back; `seq` and `settings` are not needed here. */
export type LimitEvent =
  | {
      readonly type: "create.failed";
      readonly atMs: number;
      readonly message: string;
      /** Instances and creates in flight, this one excluded (specification §7.6). */
      readonly otherInstancesCount: number;
      /** Of a rate limit: when the cloud will listen again. */
      readonly retryAtMs: number | null;
    }
  | { readonly type: "create.succeeded"; readonly atMs: number }
  /** The planner wanted one more than may be in flight at once. */
  | { readonly type: "create.declined"; readonly atMs: number }
  | { readonly type: "instances.counted"; readonly atMs: number; readonly instancesCount: number }
  | { readonly type: "clock.ticked"; readonly atMs: number };

export interface HoldContext {
  readonly untilMs: number | null;
  readonly failuresCount: number;
  readonly message: string;
}

export const NOT_HELD: HoldContext = { untilMs: null, failuresCount: 0, message: "" };

type Until = Pick<HoldContext, "untilMs">;
export type LimitMeta = StateMeta<{ readonly context: Until }>;

export function heldUntilMs({ context }: { readonly context: Until }): number | null {
  return context.untilMs;
}

export function isOver({ untilMs }: Until, { atMs }: { readonly atMs: number }): boolean {
  return untilMs !== null && atMs >= untilMs;
}
