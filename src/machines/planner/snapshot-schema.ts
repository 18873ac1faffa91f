import { z } from "zod";
import { containerJsonSchema, timeJsonSchema } from "../instance-types/container-json.ts";
import { idleBehaviorSchema } from "../model/command.ts";
import { containerStateSchema } from "../model/fact.ts";
import { containerIdSchema } from "../model/ids.ts";
import { workerStateSchema } from "../model/worker-state.ts";

const names = z.array(z.string());
const count = z.int().min(0);

const entrySchema = z.object({
  container: containerJsonSchema.extend({ uuid: containerIdSchema, state: containerStateSchema }),
  /** Cheapest first; absent: chosen from the config. */
  instance_types: names.nullish(),
  first_seen_at: timeJsonSchema.nullish(),
});
export type EntryJson = z.output<typeof entrySchema>;

const instanceSchema = z.object({
  /** "" for a create that has not returned yet. */
  instance: z.string(),
  arvados_instance_type: z.string(),
  worker_state: workerStateSchema,
  idle_behavior: idleBehaviorSchema.nullish(),
  running_container_uuids: z.array(containerIdSchema).nullish(),
});

const poolSchema = z.object({
  instances: z.array(instanceSchema).nullish(),
  /** Null while the process lives, or when its exit was noticed. */
  running: z.record(containerIdSchema, timeJsonSchema.nullable()).nullish(),
  quota: count.nullish(),
  at_quota: z.boolean().nullish(),
  capacity: z.record(z.string(), count).nullish(),
  creates_allowed: count.nullish(),
  declines_start: names.nullish(),
});
export type PoolJson = z.output<typeof poolSchema>;

/** The input of `dispatch-cloud plan`. What is absent or null has its initial value. */
export const snapshotSchema = z.object({
  now: timeJsonSchema,
  config: z.unknown().optional(),
  pass: z.enum(["schedule", "reconcile", "stale-locks"]).nullish(),
  queue: z
    .object({ updated: timeJsonSchema.nullish(), entries: z.array(entrySchema).nullish() })
    .nullish(),
  pool: poolSchema.nullish(),
  limits: z
    .object({
      max_containers: count.nullish(),
      instances_within_quota: count.nullish(),
      last_503_at: timeJsonSchema.nullish(),
      seen_503_at: timeJsonSchema.nullish(),
    })
    .nullish(),
});
export type SnapshotJson = z.output<typeof snapshotSchema>;
