import { z } from "zod";
import { WAIT_REASONS } from "../../machines/model/decision.ts";
import { instantSchema, prioritySchema, timeSchema } from "./common.ts";

export const containerRecordStateSchema = z.enum([
  "Queued",
  "Locked",
  "Running",
  "Complete",
  "Cancelled",
  "unlisted",
]);

const operationSchema = z.enum([
  "none",
  "locking",
  "unlocking",
  "requeueing",
  "cancelling",
  "killing",
  "pausing",
]);

const processSchema = z.enum(["absent", "starting", "running", "unkillable", "exited"]);

/** Why a container waits, as a code; `wait_texts` of the state has the words. */
export const waitReasonSchema = z.enum(["", ...WAIT_REASONS]);

/** All that is told of a container. Each form of it has some of these members, with times in its own notation. */
const container = (time: z.ZodISODateTime) =>
  z.strictObject({
    container_uuid: z.string(),
    /** As its user named it; "" where that is not known. */
    name: z.string(),
    /** What the API last said; `unlisted` where workers report it and the queue does not have it. */
    record: containerRecordStateSchema,
    /** The same. */
    state: containerRecordStateSchema,
    /** Our call to the API that is in flight. */
    operation: operationSchema,
    /** What workers report. */
    process: processSchema,
    priority: prioritySchema,
    /** Digits: the priority as its user gave it, where that can be told, else the same. */
    given_priority: z.string(),
    supervisor: z.boolean(),
    created_at: time,
    first_seen_at: time,
    /** Those that report a process of it. */
    worker_ids: z.array(z.string()),
    /** RAM, scratch and the GPUs' memory in bytes. */
    resources: z.strictObject({
      vcpus: z.number(),
      ram: z.number(),
      scratch: z.number(),
      gpus: z.number(),
      gpu_vram: z.number(),
    }),
    /** Names of those that it may run on, cheapest first. */
    instance_types: z.array(z.string()),
    processes: z.array(
      z.strictObject({ worker_id: z.string(), instance_id: z.string(), state: z.string() }),
    ),
    /** "" where it does not wait. */
    wait_reason: waitReasonSchema,
    waiting_since: time.nullable(),
    /** As users read it (specification §6.4). */
    scheduling_status: z.string(),
    /** Why it can never run here, or why it was cancelled; else "". */
    rejection: z.string(),
    last_error: z.string(),
    /** When a failed call may be tried again. */
    retry_at: time.nullable(),
  });
export type Container = z.infer<ReturnType<typeof container>>;

/** Compact: there may be tens of thousands. */
export const containerRowSchema = container(instantSchema).omit({
  state: true,
  resources: true,
  processes: true,
  scheduling_status: true,
});
export type ContainerRow = z.infer<typeof containerRowSchema>;

/** What `GET /dispatch/v1/containers` answers. */
export const containersAnswerSchema = z.strictObject({
  items: z.array(container(timeSchema).omit({ record: true, worker_ids: true })),
});
export type ContainerItem = z.infer<typeof containersAnswerSchema>["items"][number];
