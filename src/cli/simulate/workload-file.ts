import { parse } from "yaml";
import { z } from "zod";
import { parseByteSize } from "../../config/byte-size.ts";
import { parseDuration } from "../../config/duration.ts";
import { readInput } from "../../machines/planner/read-input.ts";
import { generateWorkload, jobOf } from "../../simulator/workload.ts";
import type { GeneratorOptions, Job, JobSize, Workload } from "../../simulator/workload.ts";
import { UsageError } from "../exit-code.ts";

const CONTAINERS_MAX = 1_000_000;

const DURATIONS = "a duration such as 5m, or p50 and p95";

const duration = unit(parseDuration);
const size = unit(parseByteSize);

const sizeShape = {
  vcpus: z.int().min(1).default(1),
  ram: size.default(2 ** 30),
  scratch: size.default(0),
  preemptible: z.boolean().default(false),
  priority: z.int().min(1).max(1000).default(500),
};

const batchSchema = z.strictObject({
  count: z.int().min(1).max(CONTAINERS_MAX).default(1),
  at: duration.default(0),
  every: duration.default(0),
  duration,
  ...sizeShape,
});

const generateSchema = z.strictObject({
  for: duration.default(24 * 3_600_000),
  per_hour: z.number().positive().max(CONTAINERS_MAX),
  duration: z.strictObject({ p50: duration, p95: duration }, { error: DURATIONS }),
  season: z
    .strictObject({ period: duration, amplitude: z.number().min(0).max(1) })
    .default({ period: 24 * 3_600_000, amplitude: 0 }),
  sizes: z
    .array(z.strictObject({ weight: z.number().positive().default(1), ...sizeShape }))
    .min(1)
    .default([
      { weight: 1, vcpus: 1, ram: 2 ** 30, scratch: 0, preemptible: false, priority: 500 },
    ]),
});

const workloadSchema = z
  .strictObject({
    boot_time: z
      .union([duration, z.strictObject({ least: duration, most: duration })])
      .default(60_000),
    containers: z.array(batchSchema).default([]),
    generate: generateSchema.optional(),
  })
  .refine(({ containers, generate }) => containers.length > 0 || generate, {
    message: "containers, or generate",
  });

function unit(parseUnit: (value: number | string) => number) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    try {
      const parsed = parseUnit(value);
      if (parsed >= 0) return parsed;
      context.addIssue({ code: "custom", message: "0 or more" });
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
    return z.NEVER;
  });
}

/** Reads YAML or JSON. Throws `UsageError` that names the path in it. */
export function readWorkload(text: string, source: string, seed: number): Workload {
  let input: unknown;
  try {
    input = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    const [first] = (error as Error).message.split("\n");
    throw new UsageError(`${source}: found text that is no YAML (${first})`, { cause: error });
  }
  return workloadOf(input, source, seed);
}

/** `KEY=VALUE` of the command line, as under `generate` of a file: `per_hour=100`, `duration.p50=5m`. */
export function workloadOfFlags(flags: readonly string[], seed: number): Workload {
  const generate: Record<string, unknown> = {};
  for (const flag of flags) {
    const [, key = "", value = ""] = /^([a-z_0-9.]+)=(.*)$/.exec(flag) ?? [];
    if (key === "")
      throw new UsageError(`--generate: found ${flag}, expected KEY=VALUE such as per_hour=100`);
    const [outer = "", inner] = key.split(".");
    const parsed: unknown = /^-?\d+(\.\d+)?(e\d+)?$/i.test(value) ? Number(value) : value;
    if (inner === undefined) generate[outer] = parsed;
    else generate[outer] = { ...(generate[outer] as object | undefined), [inner]: parsed };
  }
  const { duration: given } = generate;
  if (typeof given === "string" || typeof given === "number")
    generate["duration"] = { p50: given, p95: given };
  const { vcpus, ram, boot_time: bootTime, ...rest } = generate;
  const sizes =
    vcpus === undefined && ram === undefined ? {} : { sizes: [defined({ vcpus, ram })] };
  const input = { ...defined({ boot_time: bootTime }), generate: { ...rest, ...sizes } };
  return workloadOf(input, "--generate", seed);
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function workloadOf(input: unknown, source: string, seed: number): Workload {
  let given: z.output<typeof workloadSchema>;
  try {
    given = readInput(workloadSchema, input);
  } catch (error) {
    throw new UsageError(`${source}: ${(error as Error).message}`, { cause: error });
  }
  const bootTime =
    typeof given.boot_time === "number"
      ? { leastMs: given.boot_time, mostMs: given.boot_time }
      : { leastMs: given.boot_time.least, mostMs: given.boot_time.most };
  const generated = given.generate
    ? generateWorkload(generatorOf(given.generate, bootTime), seed)
    : generateWorkload({ ...NOTHING, bootTime }, seed);
  const jobs: Job[] = [...generated.jobs];
  for (const batch of given.containers)
    for (let at = 0; at < batch.count; at++) {
      const job = jobOf(jobs.length + 1, { ...batch, weight: 1 } satisfies JobSize);
      const submitAtMs = batch.at + at * batch.every;
      jobs.push({ ...job, submitAtMs, durationMs: Math.max(1, batch.duration) });
    }
  if (jobs.length > CONTAINERS_MAX)
    throw new UsageError(`${source}: found ${jobs.length} containers, expected at most a million`);
  return { ...generated, jobs };
}

const NOTHING: Omit<GeneratorOptions, "bootTime"> = {
  forMs: 0,
  perHour: 1,
  duration: { p50Ms: 1, p95Ms: 1 },
  season: { periodMs: 1, amplitude: 0 },
  sizes: [],
};

function generatorOf(
  given: z.output<typeof generateSchema>,
  bootTime: GeneratorOptions["bootTime"],
): GeneratorOptions {
  const { for: forMs, per_hour: perHour, season, sizes } = given;
  const { p50, p95 } = given.duration;
  const expected = (perHour * forMs) / 3_600_000;
  if (expected > CONTAINERS_MAX)
    throw new UsageError(
      `generate: that makes ${Math.round(expected)} containers, expected at most a million`,
    );
  return {
    forMs,
    perHour,
    duration: { p50Ms: Math.max(1, p50), p95Ms: Math.max(1, p50, p95) },
    season: { periodMs: Math.max(1, season.period), amplitude: season.amplitude },
    sizes,
    bootTime,
  };
}
