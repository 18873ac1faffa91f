import { z } from "zod";
import { timeSchema } from "./common.ts";
import { alarmSchema } from "./limit.ts";

const timeOrNullSchema = timeSchema.nullable();
const countSchema = z.int().min(0);

/** What `GET /dispatch/v1/status` answers. */
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
export type StatusAnswer = z.infer<typeof statusAnswerSchema>;
