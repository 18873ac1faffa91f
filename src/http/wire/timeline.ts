import { z } from "zod";
import { boundsSchema, instantOrNullSchema, instantSchema } from "./common.ts";
import { lifecycleSchema } from "./worker.ts";

/** A slice of time: what happened in it, and how things stood at its end. */
export const binSchema = z.strictObject({
  from: instantSchema,
  records: z.int(),
  creates: z.int(),
  workers: z.int(),
  running: z.int(),
  waiting: z.int(),
});
export type TimelineBin = z.infer<typeof binSchema>;

export const laneSpanSchema = z.strictObject({
  state: lifecycleSchema,
  from: instantSchema,
  to: instantOrNullSchema,
});

export const laneContainerSchema = z.strictObject({
  container_uuid: z.string(),
  /** "" where it is not known. */
  container_name: z.string(),
  from: instantSchema,
  to: instantOrNullSchema,
});

/** A worker's life; spans that began before the range begin where they began, as far as that is known. */
export const laneSchema = z.strictObject({
  worker_id: z.string(),
  instance_id: z.string(),
  instance_type: z.string(),
  price: z.number(),
  spans: z.array(laneSpanSchema),
  containers: z.array(laneContainerSchema),
  /** Within the range. */
  cost: z.number(),
});
export type TimelineLane = z.infer<typeof laneSchema>;

export const timelineAnswerSchema = z.strictObject({
  bounds: boundsSchema,
  from: instantSchema,
  to: instantSchema,
  bins: z.array(binSchema),
  workers: z.array(laneSchema),
  /** Of all lanes, within the range. */
  cost: z.number(),
  /** What was left out; "" where nothing is missing. */
  truncated: z.string(),
});
export type TimelineAnswer = z.infer<typeof timelineAnswerSchema>;
