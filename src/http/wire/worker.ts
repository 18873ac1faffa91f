import { z } from "zod";
import { instantOrNullSchema, instantSchema, timeSchema } from "./common.ts";

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

const refusalSchema = z.object({
  count: z.int(),
  since: instantSchema,
  /** The earliest next try. */
  next_at: instantOrNullSchema,
  /** What the cloud said last. */
  error: z.string(),
});

const killSchema = z.strictObject({
  reason: z.string(),
  since: timeSchema.nullable(),
  until: timeSchema.nullable(),
  given_up: z.boolean(),
});

const processSchema = z.strictObject({
  container_uuid: z.string(),
  state: z.string(),
  since: timeSchema.nullable(),
  kill: killSchema.nullable(),
});

/** All that is told of a worker. Each form of it has some of these members, with times in its own notation. */
const worker = (time: z.ZodISODateTime) =>
  z.strictObject({
    worker_id: z.string(),
    /** "" until the cloud names it. */
    instance_id: z.string(),
    /** As the original has it: `creating` is `booting`. */
    state: z.string(),
    lifecycle: lifecycleSchema,
    /** In this state. */
    since: time.nullable(),
    idle_behavior: idleBehaviorSchema,
    instance_type: z.string(),
    provider_type: z.string(),
    /** Per hour. */
    price: z.number(),
    address: z.string(),
    /** Those with a process on it. */
    container_uuids: z.array(z.string()),
    processes: z.array(processSchema),
    last_container_uuid: z.string(),
    asked_for_at: time,
    ready_at: time.nullable(),
    /** When it will be shut down if it stays idle. */
    idle_until: time.nullable(),
    /** "" while it is not being shut down. */
    shutdown_reason: z.string(),
    last_error: z.string(),
    /** Destroys that the cloud refused in a row; null where it refused none since it last took one. */
    destroy_refused: refusalSchema.nullable(),
  });
export type Worker = z.infer<ReturnType<typeof worker>>;

/** Compact: there may be thousands. */
export const workerRowSchema = worker(instantSchema).pick({
  worker_id: true,
  instance_id: true,
  lifecycle: true,
  idle_behavior: true,
  instance_type: true,
  price: true,
  address: true,
  since: true,
  asked_for_at: true,
  idle_until: true,
  container_uuids: true,
  shutdown_reason: true,
  last_error: true,
  destroy_refused: true,
});
export type WorkerRow = z.infer<typeof workerRowSchema>;

/** What `GET /dispatch/v1/workers` answers. */
export const workersAnswerSchema = z.strictObject({
  items: z.array(worker(timeSchema).omit({ container_uuids: true })),
});
export type WorkerItem = z.infer<typeof workersAnswerSchema>["items"][number];

const { shape: told } = worker(timeSchema);

/** An instance as the original tells of it (specification §7.12), in its words and its order. */
export const instanceSchema = z.strictObject({
  instance: told.instance_id,
  address: told.address,
  price: told.price,
  arvados_instance_type: told.instance_type,
  provider_instance_type: told.provider_type,
  last_container_uuid: told.last_container_uuid,
  last_busy: timeSchema,
  /** Null where the cloud has not named it yet. */
  running_container_uuids: told.container_uuids.nullable(),
  worker_state: told.state,
  idle_behavior: told.idle_behavior,
});
export type Instance = z.infer<typeof instanceSchema>;
