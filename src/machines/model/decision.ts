import { z } from "zod";
import { containerIdSchema, workerIdSchema } from "./ids.ts";

/**
 * Why a container waits; the text for users is made from it when read (specification §6.4). `atMaxInstances` is for our own
 * views: the texts that other tools know do not tell it from `atQuota` and `atCapacity`.
 */
export const WAIT_REASONS = [
  "preparing",
  "priorityZero",
  "supervisorLimit",
  "previousAttempt",
  "booting",
  "typeAtCapacity",
  "atQuota",
  "atMaxInstances",
  "atCapacity",
] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

const container = { container: containerIdSchema };
const reason = { reason: z.string() };

/**
 * What the planner decided, each with its reason, in the order taken. `worker` is the worker's id in this journal; the
 * command line shows the cloud's instance id instead.
 */
export const decisionSchema = z.discriminatedUnion("do", [
  z.object({ do: z.literal("lock"), ...container, ...reason }),
  z.object({ do: z.literal("create"), ...container, instanceType: z.string(), ...reason }),
  z.object({ do: z.literal("start"), ...container, worker: workerIdSchema, ...reason }),
  z.object({ do: z.literal("kill"), ...container, ...reason }),
  z.object({ do: z.literal("unlock"), ...container, ...reason }),
  z.object({ do: z.literal("requeue"), ...container, ...reason }),
  z.object({ do: z.literal("cancel"), ...container, ...reason }),
  z.object({ do: z.literal("forget"), ...container, ...reason }),
  z.object({ do: z.literal("shutdown"), worker: workerIdSchema, ...reason }),
  /** One more create was wanted than may be in flight: the throttle holds the next ones back. */
  z.object({ do: z.literal("holdCreates"), ...reason }),
  /** Stale locks are not judged yet, or the dispatcher begins to dispatch (specification §6.3). */
  z.object({ do: z.literal("delayRecovery"), ...reason }),
  z.object({ do: z.literal("finishRecovery"), ...reason }),
  /** The reason why a container waits has changed; "" when it no longer waits. */
  z.object({ do: z.literal("wait"), ...container, reason: z.enum([...WAIT_REASONS, ""]) }),
]);
export type Decision = z.infer<typeof decisionSchema>;

/** What the scheduler remembers between runs (specification §6.5). */
export const limitsSchema = z.object({
  /** 0 is no limit. */
  maxContainers: z.int(),
  last503AtMs: z.number().nullable(),
  /** 0: no quota has been reached yet. */
  instancesWithinQuota: z.int(),
  /** Whether it was `MaxInstances` that was reached last, not the cloud's quota. For reasons: nothing is decided by it. */
  quotaIsOurs: z.boolean().optional(),
});
export type Limits = z.infer<typeof limitsSchema>;
