import { z } from "zod";
import { stringifyLossless } from "../arvados/json.ts";
import { QueueStoreError } from "./port.ts";
import type { SqlValue } from "./sql.ts";

/** A request's priority; a container's is made of it and of its age (`containerPriority`). */
const REQUEST_PRIORITY_MAX = 1000;
const DEFAULT_PRIORITY = 500;

const bytes = z.int().min(0);
const positive = z.int().min(1);
// The kernel would cut it there.
const text = z.string().regex(/^[^\0]*$/, "must not contain a NUL character");

const gpuSchema = z.strictObject({
  stack: z.string().default(""),
  driver_version: z.string().default(""),
  hardware_target: z.array(z.string()).default([]),
  device_count: bytes.default(0),
  vram: bytes.default(0),
});

const mountSchema = z.looseObject({ kind: z.string(), capacity: bytes.optional() });

const requestPrioritySchema = z.int().min(0).max(REQUEST_PRIORITY_MAX);
const nameSchema = z.string().max(1000).nullable();
const propertiesSchema = z.record(z.string(), z.json());

const submissionSchema = z.strictObject({
  name: nameSchema.default(null),
  description: nameSchema.default(null),
  properties: propertiesSchema.default({}),
  command: z.array(text).min(1, "must name the program to run"),
  environment: z
    .record(z.string().regex(/^[^=\0]+$/, "is no name of a variable"), text)
    .default({}),
  cwd: text.default("."),
  container_image: z.string().default(""),
  output_path: text.default(""),
  mounts: z.record(z.string(), mountSchema).default({}),
  runtime_constraints: z.strictObject({
    vcpus: positive,
    ram: positive,
    keep_cache_ram: bytes.default(0),
    keep_cache_disk: bytes.default(0),
    API: z.boolean().default(false),
    gpu: gpuSchema.optional(),
  }),
  scheduling_parameters: z
    .strictObject({
      max_run_time: bytes.default(0),
      preemptible: z.boolean().default(false),
      supervisor: z.boolean().default(false),
      partitions: z.array(z.string()).default([]),
    })
    .prefault({}),
  priority: requestPrioritySchema.default(DEFAULT_PRIORITY),
  state: z
    .literal("Committed", "the embedded queue takes requests in state Committed only")
    .default("Committed"),
  use_existing: z.boolean().optional(),
});

const requestChangeSchema = z.strictObject({
  priority: requestPrioritySchema.optional(),
  name: nameSchema.optional(),
  description: nameSchema.optional(),
  properties: propertiesSchema.optional(),
});
type RequestChange = z.output<typeof requestChangeSchema>;

interface Submission {
  readonly priority: number;
  /** By column. */
  readonly container: Readonly<Record<string, SqlValue>>;
  readonly request: Readonly<Record<string, SqlValue>>;
}

/** Throws `QueueStoreError` 422 that names every wrong field. */
export function readSubmission(request: unknown): Submission {
  const given = check(submissionSchema, withoutNulls(request));
  return {
    priority: given.priority,
    container: {
      command: JSON.stringify(given.command),
      container_image: given.container_image,
      cwd: given.cwd,
      environment: JSON.stringify(given.environment),
      mounts: stringifyLossless(given.mounts),
      output_path: given.output_path,
      runtime_constraints: JSON.stringify(given.runtime_constraints),
      scheduling_parameters: JSON.stringify(given.scheduling_parameters),
    },
    request: {
      name: given.name,
      description: given.description,
      properties: JSON.stringify(given.properties),
    },
  };
}

export function readRequestChange(changes: unknown): RequestChange {
  return check(requestChangeSchema, changes);
}

/** Arvados' formula: priority first, then the older request; beyond 2^53. */
export function containerPriority(requestPriority: number, createdAtMs: number): bigint {
  if (requestPriority === 0) return 0n;
  return (BigInt(requestPriority) << 50n) - BigInt(createdAtMs);
}

/** Clients write out what they leave open. */
function withoutNulls(request: unknown): unknown {
  if (typeof request !== "object" || request === null || Array.isArray(request)) return request;
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
}

function check<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new QueueStoreError(
    422,
    result.error.issues.map(({ path, message }) => {
      return `container_request${path.map((key) => `.${String(key)}`).join("")}: ${message}`;
    }),
  );
}
