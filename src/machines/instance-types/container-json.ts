import { z } from "zod";
import { containerStateSchema, type ContainerRecord } from "../model/fact.ts";
import { containerIdSchema } from "../model/ids.ts";

/** An RFC 3339 time as milliseconds since the epoch, its fraction kept. */
export const timeJsonSchema = z.string().transform((text, context) => {
  const parts = /^(.{10}[Tt ].{8})(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  const wholeMs = parts ? Date.parse(`${parts[1]?.replace(" ", "T")}${parts[3]}`) : NaN;
  if (!Number.isNaN(wholeMs) && isDay(text)) return wholeMs + Number(parts?.[2] ?? 0) * 1000;
  context.addIssue({ code: "custom", message: "an RFC 3339 time" });
  return z.NEVER;
});

/** `Date.parse` takes the 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

/** A priority: exceeds 2^53, so that digits in a string are taken as well. */
const priorityJsonSchema = z.unknown().transform((value, context) => {
  if (typeof value === "bigint" || Number.isInteger(value)) return String(BigInt(value as number));
  if (typeof value === "string" && /^-?\d{1,30}$/.test(value)) return String(BigInt(value));
  context.addIssue({ code: "custom", message: "an integer or a string of digits" });
  return z.NEVER;
});

/** What the API leaves out or answers as null has its zero value. */
function or<T extends z.ZodType>(schema: T, zero: z.output<T>) {
  return schema.nullish().transform((value): z.output<T> => value ?? zero);
}

const count = or(z.int().min(0), 0);

const gpuSchema = z.object({
  stack: or(z.string(), ""),
  driver_version: or(z.string(), ""),
  hardware_target: or(z.array(z.string()), []),
  device_count: count,
  vram: count,
});

const constraintsSchema = z.object({
  vcpus: count,
  ram: count,
  keep_cache_ram: count,
  keep_cache_disk: count,
  gpu: gpuSchema.nullish(),
});

/** A container as the API returns it: the fields that sizing and scheduling read (specification §4.1), sizes in bytes. */
export const containerJsonSchema = z.object({
  uuid: or(containerIdSchema, ""),
  state: or(containerStateSchema, "Queued"),
  priority: priorityJsonSchema.optional(),
  created_at: timeJsonSchema.nullish(),
  container_image: or(z.string(), ""),
  runtime_constraints: constraintsSchema.nullish(),
  scheduling_parameters: z
    .object({ supervisor: or(z.boolean(), false), preemptible: or(z.boolean(), false) })
    .nullish(),
  mounts: or(z.record(z.string(), z.object({ kind: or(z.string(), ""), capacity: count })), {}),
});
export type ContainerJson = z.output<typeof containerJsonSchema>;

/** `createdAtMs` stands in for a missing `created_at`. */
export function recordOfJson(json: ContainerJson, createdAtMs: number): ContainerRecord {
  const wanted = json.runtime_constraints;
  const gpu = wanted?.gpu;
  const tmpMounts = Object.values(json.mounts).filter(({ kind }) => kind === "tmp");
  return {
    state: json.state,
    priority: json.priority ?? "0",
    createdAtMs: json.created_at ?? createdAtMs,
    supervisor: json.scheduling_parameters?.supervisor ?? false,
    preemptible: json.scheduling_parameters?.preemptible ?? false,
    containerImage: json.container_image,
    vcpus: wanted?.vcpus ?? 0,
    ram: wanted?.ram ?? 0,
    keepCacheRam: wanted?.keep_cache_ram ?? 0,
    keepCacheDisk: wanted?.keep_cache_disk ?? 0,
    tmpMounts: tmpMounts.reduce((sum, { capacity }) => sum + capacity, 0),
    gpu: gpu
      ? {
          stack: gpu.stack,
          driverVersion: gpu.driver_version,
          hardwareTarget: gpu.hardware_target,
          deviceCount: gpu.device_count,
          vram: gpu.vram,
        }
      : null,
  };
}
