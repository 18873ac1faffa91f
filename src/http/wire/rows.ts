import { z } from "zod";
import { actorKindSchema, instantOrNullSchema, instantSchema, prioritySchema } from "./common.ts";

export const lifecycleSchema = z.enum([
  "creating",
  "unknown",
  "booting",
  "idle",
  "running",
  "shutdown",
  "gone",
]);
export type Lifecycle = z.infer<typeof lifecycleSchema>;

export const idleBehaviorSchema = z.enum(["run", "hold", "drain"]);
export type IdleBehavior = z.infer<typeof idleBehaviorSchema>;

const refusalSchema = z.object({
  count: z.int(),
  since: instantSchema,
  /** The earliest next try. */
  next_at: instantOrNullSchema,
  /** What the cloud said last. */
  error: z.string(),
});
export type RefusalJson = z.infer<typeof refusalSchema>;

/** A worker, compact: there may be thousands. */
export const workerRowSchema = z.strictObject({
  worker_id: z.string(),
  /** "" until the cloud names it. */
  instance_id: z.string(),
  lifecycle: lifecycleSchema,
  idle_behavior: idleBehaviorSchema,
  instance_type: z.string(),
  /** Per hour. */
  price: z.number(),
  address: z.string(),
  /** In this state. */
  since: instantOrNullSchema,
  asked_for_at: instantSchema,
  /** When it will be shut down if it stays idle. */
  idle_until: instantOrNullSchema,
  /** Those with a process on it. */
  container_uuids: z.array(z.string()),
  /** "" while it is not being shut down. */
  shutdown_reason: z.string(),
  last_error: z.string(),
  /** Destroys that the cloud refused in a row; null where it refused none since it last took one. */
  destroy_refused: refusalSchema.nullable(),
});
export type WorkerRow = z.infer<typeof workerRowSchema>;

export const containerRecordStateSchema = z.enum([
  "Queued",
  "Locked",
  "Running",
  "Complete",
  "Cancelled",
  "unlisted",
]);
export type ContainerRecordState = z.infer<typeof containerRecordStateSchema>;

export const operationSchema = z.enum([
  "none",
  "locking",
  "unlocking",
  "requeueing",
  "cancelling",
  "killing",
  "pausing",
]);
export type Operation = z.infer<typeof operationSchema>;

export const processSchema = z.enum(["absent", "starting", "running", "unkillable", "exited"]);
export type Process = z.infer<typeof processSchema>;

/** Why a container waits, as a code; `wait_texts` of the state has the words. */
export const waitReasonSchema = z.enum([
  "",
  "preparing",
  "priorityZero",
  "supervisorLimit",
  "previousAttempt",
  "booting",
  "typeAtCapacity",
  "atQuota",
  "atMaxInstances",
  "atCapacity",
]);
export type WaitReason = z.infer<typeof waitReasonSchema>;

/** A container, compact: there may be tens of thousands. */
export const containerRowSchema = z.strictObject({
  container_uuid: z.string(),
  /** As its user named it; "" where that is not known. */
  name: z.string(),
  /** What the API last said; `unlisted` where workers report it and the queue does not have it. */
  record: containerRecordStateSchema,
  /** Our call to the API that is in flight. */
  operation: operationSchema,
  /** What workers report. */
  process: processSchema,
  priority: prioritySchema,
  /** Digits: the priority as its user gave it, where that can be told, else the same. */
  given_priority: z.string(),
  supervisor: z.boolean(),
  created_at: instantSchema,
  first_seen_at: instantSchema,
  /** Those that report a process of it. */
  worker_ids: z.array(z.string()),
  /** Names of those that it may run on, cheapest first. */
  instance_types: z.array(z.string()),
  /** "" where it does not wait. */
  wait_reason: waitReasonSchema,
  waiting_since: instantOrNullSchema,
  /** Why it can never run here, or why it was cancelled; else "". */
  rejection: z.string(),
  last_error: z.string(),
  /** When a failed call may be tried again. */
  retry_at: instantOrNullSchema,
});
export type ContainerRow = z.infer<typeof containerRowSchema>;

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
