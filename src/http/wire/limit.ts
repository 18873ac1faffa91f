import { z } from "zod";
import { actorKindSchema, instantOrNullSchema, instantSchema } from "./common.ts";

/** What may hold creates or everything back: the supervisor, the quota, the throttle, and each key out of capacity. */
export const limitRowSchema = z.strictObject({
  /** `quota/dispatcher`, `capacity/KEY` … */
  actor: z.string(),
  kind: actorKindSchema.exclude(["worker", "container"]),
  id: z.string(),
  /** Its state. */
  value: z.string(),
  until: instantOrNullSchema,
  /** What the cloud or the operator said; "" for nothing. */
  reason: z.string(),
});
export type LimitRow = z.infer<typeof limitRowSchema>;

export const alarmSchema = z.strictObject({
  alarm: z.string(),
  message: z.string(),
  since: instantSchema,
});
export type AlarmRow = z.infer<typeof alarmSchema>;
