import { stringifyLossless } from "../arvados/json.ts";
import type { SqlValue } from "./sql.ts";

/** Reads a value as it is stored, or says what was expected instead. */
type Read = (value: unknown) => { readonly stored: SqlValue } | { readonly expected: string };

const stored = (value: SqlValue) => ({ stored: value });

const integer: Read = (value) => {
  if (typeof value === "number" && Number.isSafeInteger(value)) return stored(BigInt(value));
  // As json.ts hands on what is beyond 2^53.
  if (typeof value === "string" && /^-?\d{16,18}$|^-?[1-8]\d{18}$/.test(value)) {
    return stored(BigInt(value));
  }
  return { expected: "must be an integer" };
};

const natural: Read = (value) => {
  const read = integer(value);
  if ("stored" in read && (read.stored as bigint) < 0n) {
    return { expected: "must be greater than or equal to 0" };
  }
  return read;
};

const real: Read = (value) =>
  typeof value === "number" ? stored(value) : { expected: "must be a number" };

const text: Read = (value) =>
  typeof value === "string" ? stored(value) : { expected: "must be a string" };

const flag: Read = (value) =>
  typeof value === "boolean" ? stored(value ? 1n : 0n) : { expected: "must be true or false" };

const time: Read = (value) => {
  const ms = typeof value === "string" ? Date.parse(value) : NaN;
  if (Number.isNaN(ms)) return { expected: "must be a time as 2026-01-02T03:04:05Z" };
  return stored(new Date(ms).toISOString());
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const object: Read = (value) =>
  isObject(value) ? stored(stringifyLossless(value)) : { expected: "must be an object" };

const STATUS_TEXTS = ["error", "errorDetail", "warning", "warningDetail", "activity"];

const runtimeStatus: Read = (value) => {
  if (!isObject(value)) return { expected: "must be an object" };
  const wrong = STATUS_TEXTS.find((key) => key in value && typeof value[key] !== "string");
  return wrong ? { expected: `'${wrong}' value must be a string` } : object(value);
};

function orNull(read: Read): Read {
  return (value) => (value === null ? stored(null) : read(value));
}

/** The fields of a container that an update may carry at all; whether it may now is for `container-rules.ts`. */
export const CONTAINER_FIELDS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["state", text],
  ["priority", natural],
  ["locked_by_uuid", orNull(text)],
  ["runtime_status", runtimeStatus],
  ["exit_code", orNull(integer)],
  ["started_at", orNull(time)],
  ["finished_at", orNull(time)],
  ["output", orNull(text)],
  ["output_properties", object],
  ["log", orNull(text)],
  ["progress", orNull(real)],
  ["cost", real],
  ["subrequests_cost", real],
  ["gateway_address", text],
  ["interactive_session_started", flag],
]);
