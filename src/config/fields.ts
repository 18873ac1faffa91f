import { z } from "zod";
import { mapValues } from "../machines/model/map-values.ts";
import { parseByteSize } from "./byte-size.ts";
import { parseDuration } from "./duration.ts";

/*
 * Each field has its default in the notation of the file, as zod's `prefault`: the defaults tree, the JSON schema and the
 * check are made from the same declaration. The message of every issue is what was expected; problems.ts adds the rest.
 */

/** A key of the file, and what may stand there. */
export interface Key<T> {
  readonly key: string;
  readonly field: z.ZodType<T>;
}

/** `about` is for who writes the file. */
export function key<T>(name: string, field: z.ZodType<T>, about?: string): Key<T> {
  return { key: name, field: about === undefined ? field : field.describe(about) };
}

type Keys = Readonly<Record<string, Key<unknown>>>;
type Values<K extends Keys> = { [N in keyof K]: K[N] extends Key<infer T> ? T : never };

/** A map of the file, in the order given, whose values go by the names that their keys have here. */
export function section<K extends Keys>(keys: K): z.ZodType<Values<K>>;
export function section(keys: Keys): z.ZodType<Record<string, unknown>> {
  const shape = Object.values(keys).map((each) => [each.key, each.field] as const);
  return z
    .object(Object.fromEntries(shape), { error: "a map" })
    .transform((values) => mapValues(keys, (each) => values[each.key]));
}

/** A section that need not stand there. */
export function optionalSection<K extends Keys>(keys: K) {
  return section(keys).prefault({});
}

export function text(fallback: string) {
  return z.string({ error: 'a text (in quotes, such as "22")' }).prefault(fallback);
}

export function flag(fallback: boolean) {
  return z.boolean({ error: "true or false" }).prefault(fallback);
}

export function choice<const T extends string>(values: readonly T[], fallback: NoInfer<T>) {
  return z.enum(values, { error: `one of ${values.join(", ")}` }).prefault(fallback as never);
}

/** A whole number of at least `min`. */
export function count(fallback: number, min = 0) {
  const error = `a whole number, ${min} or more`;
  return z.int({ error }).min(min, { error }).prefault(fallback);
}

/** A whole number; below 1 it means the fallback. */
export function countOrDefault(fallback: number) {
  return z
    .int({ error: "a whole number" })
    .prefault(fallback)
    .transform((value) => (value < 1 ? fallback : value));
}

export function decimal(fallback: number) {
  const error = "a number, 0 or more";
  return z.number({ error }).min(0, { error }).prefault(fallback);
}

function parsed<T extends number>(parse: (value: number | string) => T, form: string) {
  return z.union([z.string(), z.number()], { error: form }).transform((value, context): T => {
    try {
      return parse(value);
    } catch (problem) {
      if (!(problem instanceof RangeError)) throw problem;
      context.issues.push({ code: "custom", message: problem.message, input: value });
      return z.NEVER;
    }
  });
}

const DURATION = "a duration such as 10s or 1h30m";

/** Milliseconds. */
export function duration(fallback: string) {
  return parsed(parseDuration, DURATION).prefault(fallback);
}

/** Milliseconds; what is below 0 counts as 0. */
export function span(fallback: string) {
  return parsed((value) => Math.max(0, parseDuration(value)), DURATION).prefault(fallback);
}

/** Milliseconds, more than 0. */
export function interval(fallback: string) {
  return parsed((value) => {
    const ms = parseDuration(value);
    if (ms <= 0) throw new RangeError("a duration longer than 0, such as 10s");
    return ms;
  }, DURATION).prefault(fallback);
}

/** Milliseconds; 0 or less means the fallback (specification §1.3, pool fallbacks). */
export function durationOrDefault(fallback: string) {
  const fallbackMs = parseDuration(fallback);
  return parsed((value) => {
    const ms = parseDuration(value);
    return ms > 0 ? ms : fallbackMs;
  }, DURATION).prefault(fallback);
}

/** Bytes. Exact, so not beyond 2^53. */
export function byteSize(fallback: number | string, min = Number.MIN_SAFE_INTEGER) {
  return parsed((value) => {
    const bytes = parseByteSize(value);
    if (!Number.isSafeInteger(bytes)) throw new RangeError("a size below 8PiB");
    if (bytes < min) throw new RangeError(`a size of at least ${min} bytes`);
    return bytes;
  }, "a size such as 1073741824, 550MiB or 1.5GB").prefault(fallback);
}

export function textMap(fallback: Record<string, string> = {}) {
  return z
    .record(z.string(), z.string({ error: 'a text (in quotes, such as "5432")' }), {
      error: "a map of texts",
    })
    .prefault(fallback);
}

export function textList() {
  return z
    .array(z.string({ error: "a text (in quotes)" }), { error: "a list of texts" })
    .prefault([]);
}

/** A map whose values nobody here checks. */
export function freeMap() {
  return z.record(z.string(), z.unknown(), { error: "a map" }).prefault({});
}
