import { z } from "zod";
import { boundsSchema, instantOrNullSchema, instantSchema, seqSchema } from "./common.ts";
import { rememberedSchema } from "./record.ts";
import { containerRowSchema, waitReasonSchema } from "./container.ts";
import { alarmSchema, limitRowSchema } from "./limit.ts";
import { workerRowSchema } from "./worker.ts";

export const instanceTypeSchema = z.strictObject({
  name: z.string(),
  provider_type: z.string(),
  vcpus: z.int(),
  /** Bytes. */
  ram: z.int(),
  scratch: z.int(),
  gpus: z.int(),
  /** Per hour. */
  price: z.number(),
  preemptible: z.boolean(),
});
export type InstanceTypeRow = z.infer<typeof instanceTypeSchema>;

const ms = z.number().min(0);

export const timeoutsSchema = z.strictObject({
  idle_ms: ms,
  booting_ms: ms,
  probe_ms: ms,
  shutdown_ms: ms,
  signal_ms: ms,
  term_ms: ms,
  start_ms: ms,
  stale_run_lock_ms: ms,
  stale_lock_ms: ms,
});

/** Everything at one moment. */
export const stateAnswerSchema = z.strictObject({
  journal_id: z.string(),
  /** A dispatcher answers, not a file alone. */
  live: z.boolean(),
  /** The newest record that is in it, and its time. */
  seq: seqSchema,
  at: instantOrNullSchema,
  now: instantSchema,
  version: z.string(),
  /** Nothing can be changed here. */
  read_only: z.boolean(),
  bounds: boundsSchema,
  /** What could not be read; "" where nothing is missing. */
  missing: z.string(),
  /** State of the dispatcher as a whole. */
  supervisor: z.string(),
  scheduler: rememberedSchema.nullable(),
  instance_types: z.array(instanceTypeSchema),
  wait_texts: z.record(waitReasonSchema.exclude([""]), z.string()),
  /** Null before a config was loaded. */
  timeouts: timeoutsSchema.nullable(),
  workers: z.array(workerRowSchema),
  containers: z.array(containerRowSchema),
  limits: z.array(limitRowSchema),
  /** Of a live dispatcher; else empty. */
  alarms: z.array(alarmSchema),
});
export type StateAnswer = z.infer<typeof stateAnswerSchema>;
