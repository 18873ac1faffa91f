import { z } from "zod";
import { prioritySchema } from "./common.ts";
import {
  alarmSchema,
  containerRecordStateSchema,
  idleBehaviorSchema,
  lifecycleSchema,
  operationSchema,
  processSchema,
  workerRowSchema,
} from "./rows.ts";

/** RFC 3339 in UTC, as short as it can be. */
const timeSchema = z.iso.datetime();
const timeOrNullSchema = timeSchema.nullable();
const countSchema = z.int().min(0);

/** What `GET /dispatch/v1/status`, `/workers` and `/containers` answer. */
export const statusAnswerSchema = z.strictObject({
  version: z.string(),
  now: timeSchema,
  /** Of the dispatcher as a whole. */
  state: z.string(),
  started_at: timeOrNullSchema,
  stop_reason: z.string(),
  /** False while feeds wait, since the journal has trouble. */
  accepting: z.boolean(),
  read_only: z.boolean(),
  seq: countSchema,
  journal: z.strictObject({
    id: z.string(),
    records: countSchema,
    bytes: countSchema,
    first_seq: countSchema,
    last_seq: countSchema,
    first_at: timeOrNullSchema,
    last_at: timeOrNullSchema,
    checkpoints: countSchema,
  }),
  alarms: z.array(alarmSchema.extend({ since: timeSchema })),
  /** Of all instances that the cloud has named. */
  price_per_hour: z.number(),
  workers: z.array(
    z.strictObject({
      state: z.string(),
      instance_type: z.string(),
      count: countSchema,
      hold: countSchema,
      drain: countSchema,
      price_per_hour: z.number(),
    }),
  ),
  containers: z.strictObject({
    count: countSchema,
    by_state: z.array(z.strictObject({ state: z.string(), count: countSchema })),
    by_wait_reason: z.array(z.strictObject({ reason: z.string(), count: countSchema })),
  }),
  limits: z.array(
    z.strictObject({
      limit: z.enum(["quota", "capacity", "throttle"]),
      /** Of capacity: a provider type, a quota group or `*`. */
      key: z.string().optional(),
      state: z.string(),
      until: timeOrNullSchema,
      until_fewer_instances_than: countSchema.nullable().optional(),
      /** What the cloud said. */
      reason: z.string(),
    }),
  ),
  /** Null before the configuration is taken in. */
  scheduler: z
    .strictObject({
      /** 0: no limit. */
      max_containers: countSchema,
      instances_within_quota: countSchema.nullable(),
      last_503_at: timeOrNullSchema,
    })
    .nullable(),
});

const killSchema = z.strictObject({
  reason: z.string(),
  since: timeOrNullSchema,
  until: timeOrNullSchema,
  given_up: z.boolean(),
});

export const workersAnswerSchema = z.strictObject({
  items: z.array(
    z.strictObject({
      worker_id: z.string(),
      /** "" until the cloud names it. */
      instance_id: z.string(),
      /** As the original has it. */
      state: z.string(),
      lifecycle: lifecycleSchema,
      since: timeOrNullSchema,
      idle_behavior: idleBehaviorSchema,
      instance_type: z.string(),
      provider_type: z.string(),
      /** Per hour. */
      price: z.number(),
      address: z.string(),
      processes: z.array(
        z.strictObject({
          container_uuid: z.string(),
          state: z.string(),
          since: timeOrNullSchema,
          kill: killSchema.nullable(),
        }),
      ),
      last_container_uuid: z.string(),
      asked_for_at: timeOrNullSchema,
      ready_at: timeOrNullSchema,
      idle_until: timeOrNullSchema,
      shutdown_reason: z.string(),
      last_error: z.string(),
      destroy_refused: workerRowSchema.shape.destroy_refused,
    }),
  ),
});

export const containersAnswerSchema = z.strictObject({
  items: z.array(
    z.strictObject({
      container_uuid: z.string(),
      /** As its user named it; "" where that is not known. */
      name: z.string(),
      state: containerRecordStateSchema,
      operation: operationSchema,
      process: processSchema,
      priority: prioritySchema,
      /** As its user gave it. */
      given_priority: z.string(),
      supervisor: z.boolean(),
      created_at: timeOrNullSchema,
      first_seen_at: timeOrNullSchema,
      /** RAM, scratch and the GPUs' memory in bytes. */
      resources: z.strictObject({
        vcpus: z.number(),
        ram: z.number(),
        scratch: z.number(),
        gpus: z.number(),
        gpu_vram: z.number(),
      }),
      instance_types: z.array(z.string()),
      processes: z.array(
        z.strictObject({ worker_id: z.string(), instance_id: z.string(), state: z.string() }),
      ),
      wait_reason: z.string(),
      waiting_since: timeOrNullSchema,
      scheduling_status: z.string(),
      rejection: z.string(),
      last_error: z.string(),
      retry_at: timeOrNullSchema,
    }),
  ),
});
