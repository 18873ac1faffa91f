import { z } from "zod";
import {
  containerStateSchema,
  prioritySchema,
  type ContainerEnd,
  type ContainerRecord,
  type ContainerState,
} from "../../../machines/model/fact.ts";
import type { OperationResult, RejectedRow } from "../port.ts";

/** What a list must name for `readRow` (specification §4.3). */
export const SELECT = [
  "uuid",
  "state",
  "priority",
  "runtime_constraints",
  "container_image",
  "scheduling_parameters",
  "created_at",
] as const;

/** More of those that may have ended: how they did. The original does not ask for it. */
export const ENDED_SELECT = [...SELECT, "exit_code", "runtime_status"] as const;

/** What the API leaves out or answers with null counts as zero, as in the original. */
function orZero<T extends z.ZodType>(schema: T, zero: unknown) {
  return z.preprocess((value) => value ?? zero, schema);
}

const size = orZero(z.int(), 0);
const text = orZero(z.string(), "");
const flag = orZero(z.boolean(), false);
const digits = z
  .string()
  .refine((value) => prioritySchema.safeParse(value).success, "expected an integer");
/** A number as long as it is exact, digits beyond (json.ts). */
const priority = orZero(
  z.union([z.int().transform(String), digits], { error: "expected an integer" }),
  0,
);
const instantMs = orZero(
  z.string().transform((value, ctx) => {
    const ms = Date.parse(value);
    if (Number.isNaN(ms)) ctx.addIssue("expected a time as 2026-01-02T03:04:05Z");
    return ms;
  }),
  "1970-01-01T00:00:00Z",
);

const gpuSchema = z.object({
  stack: text,
  driver_version: text,
  hardware_target: orZero(z.array(z.string()), []),
  device_count: size,
  vram: size,
});

const rowSchema = z.object({
  state: containerStateSchema,
  priority,
  created_at: instantMs,
  container_image: text,
  runtime_constraints: orZero(
    z.object({
      vcpus: size,
      ram: size,
      keep_cache_ram: size,
      keep_cache_disk: size,
      gpu: gpuSchema.nullish(),
    }),
    {},
  ),
  scheduling_parameters: orZero(z.object({ supervisor: flag, preemptible: flag }), {}),
});

/** For people only: what cannot be read of it is left out, and the record counts all the same. */
const endSchema = z.object({
  exit_code: z.int().nullish().catch(null),
  runtime_status: z
    .object({ error: text.catch(""), warning: text.catch("") })
    .nullish()
    .catch(null),
});
const titledSchema = z.object({ request_name: z.string().min(1).nullish().catch(null) });

const countedSchema = z.object({ lock_count: z.int().min(1).optional().catch(undefined) });

const namedSchema = z.object({ uuid: z.string().regex(/^[a-z0-9]{5}-dz642-[a-z0-9]{15}$/) });
const statedSchema = z.object({ state: containerStateSchema });
const operationSchema = z.object({ state: containerStateSchema, priority: priority.nullish() });

export type Row =
  | {
      readonly containerId: string;
      readonly record: ContainerRecord;
      readonly end: ContainerEnd | undefined;
      /** How often it has been locked; undefined where that was not asked for. */
      readonly lockCount: number | undefined;
    }
  | { readonly containerId: string; readonly rejected: RejectedRow };

/** Reads one row of a list; undefined when it does not even say whose it is. */
export function readRow(item: unknown): Row | undefined {
  const named = namedSchema.safeParse(item);
  if (!named.success) return undefined;
  const containerId = named.data.uuid;
  const row = rowSchema.safeParse(item);
  if (row.success) {
    const name = titledSchema.parse(item).request_name;
    const record = { ...toRecord(row.data), ...(name ? { name } : {}) };
    const end = readEnd(record.state, item);
    return { containerId, record, end, lockCount: readLockCount(item) };
  }
  const stated = statedSchema.safeParse(item);
  const error = `cannot read the container record: ${describe(row.error)}`;
  return { containerId, rejected: { state: stated.data?.state ?? null, error } };
}

/** Undefined where the answer does not tell, or of one that was never locked. */
export function readLockCount(item: unknown): number | undefined {
  return countedSchema.safeParse(item).data?.lock_count;
}

function readEnd(state: ContainerState, item: unknown): ContainerEnd | undefined {
  if (state !== "Complete" && state !== "Cancelled") return undefined;
  const { exit_code: exitCode = null, runtime_status: status } = endSchema.parse(item);
  return { exitCode, error: status?.error ?? "", warning: status?.warning ?? "" };
}

function toRecord(row: z.output<typeof rowSchema>): ContainerRecord {
  const constraints = row.runtime_constraints;
  return {
    state: row.state,
    priority: row.priority,
    createdAtMs: row.created_at,
    supervisor: row.scheduling_parameters.supervisor,
    preemptible: row.scheduling_parameters.preemptible,
    containerImage: row.container_image,
    vcpus: constraints.vcpus,
    ram: constraints.ram,
    keepCacheRam: constraints.keep_cache_ram,
    keepCacheDisk: constraints.keep_cache_disk,
    tmpMounts: 0,
    gpu: toGpu(constraints.gpu),
  };
}

function toGpu(gpu: z.output<typeof gpuSchema> | null | undefined): ContainerRecord["gpu"] {
  // The API fills the section in with zeros when no GPU is asked for.
  if (!gpu || (gpu.stack === "" && gpu.device_count === 0 && gpu.vram === 0)) return null;
  return {
    stack: gpu.stack,
    driverVersion: gpu.driver_version,
    hardwareTarget: gpu.hardware_target,
    deviceCount: gpu.device_count,
    vram: gpu.vram,
  };
}

/** The answer to lock, unlock or cancel; a message when it is none. */
export function readOperation(answer: unknown): OperationResult | string {
  const result = operationSchema.safeParse(answer);
  if (!result.success) return describe(result.error);
  // The answer of lock and unlock may lack the priority: that is not a priority of 0.
  const given = (answer as { priority?: unknown }).priority;
  return {
    state: result.data.state,
    priority: given == null ? null : (result.data.priority ?? null),
  };
}

export function readState(answer: unknown): ContainerState | undefined {
  return statedSchema.safeParse(answer).data?.state;
}

function describe(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => `${path.join(".") || "record"}: ${message}`)
    .join("; ");
}
