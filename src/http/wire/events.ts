import { z } from "zod";
import { instantSchema, seqSchema } from "./common.ts";
import { alarmSchema } from "./limit.ts";

/** Data of `event: status`, first at once and then every few seconds. */
export const statusEventSchema = z.strictObject({
  now: instantSchema,
  /** The newest durable record. */
  seq: seqSchema,
  /** State of the dispatcher as a whole. */
  supervisor: z.string(),
  /** False while feeds wait, since the journal has trouble. */
  accepting: z.boolean(),
  read_only: z.boolean(),
  alarms: z.array(alarmSchema),
});
export type StatusEvent = z.infer<typeof statusEventSchema>;

/** Data of `event: reset`, the last one of its stream: load the state again, then ask for the events after it. */
export const resetEventSchema = z.strictObject({
  reason: z.enum(["too-old", "too-new", "too-slow", "too-large", "stopping"]),
  detail: z.string(),
});
export type ResetEvent = z.infer<typeof resetEventSchema>;
