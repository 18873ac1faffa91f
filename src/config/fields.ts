import { z } from "zod";
import { parseByteSize } from "./byte-size.ts";
import { parseDuration } from "./duration.ts";

/*
 * Each field has its default in the notation of the file, as zod's `prefault`: the defaults tree, the JSON schema and the
 * check are made from the same declaration. The message of every issue is what was expected; problems.ts adds the rest.
 */

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

export function wholeNumber(fallback: number) {
  return z.int({ error: "a whole number" }).prefault(fallback);
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

/** Milliseconds. */
export function duration(fallback: string) {
  return parsed(parseDuration, "a duration such as 10s or 1h30m").prefault(fallback);
}

/** Milliseconds, more than 0. */
export function interval(fallback: string) {
  return parsed((value) => {
    const ms = parseDuration(value);
    if (ms <= 0) throw new RangeError("a duration longer than 0, such as 10s");
    return ms;
  }, "a duration such as 10s or 1h30m").prefault(fallback);
}

/** Milliseconds; 0 or less means the fallback (specification §1.3, pool fallbacks). */
export function durationOrDefault(fallback: string) {
  const fallbackMs = parseDuration(fallback);
  return parsed((value) => {
    const ms = parseDuration(value);
    return ms > 0 ? ms : fallbackMs;
  }, "a duration such as 10s or 1h30m").prefault(fallback);
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

export function section<T extends z.ZodRawShape>(shape: T) {
  return z.object(shape, { error: "a map" });
}
