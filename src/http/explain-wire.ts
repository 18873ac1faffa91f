import { z } from "zod";
import { explanationSchema, type Explanation } from "../machines/explain/explanation.ts";
import { isInstant, toWire, wireName } from "./to-wire.ts";
import { prioritySchema, timeSchema } from "./wire/common.ts";
import type { Wire } from "./wire/explanation.ts";
import { wireTime } from "./wire-json.ts";

/** All members are ours: no text from outside is a key. */
export function explanationToWire(explanation: Explanation): object {
  return toWire(explanation, wireTime);
}

/** What an explanation looks like on the wire, made from what it is by the same rules. */
export const explanationWireSchema = wireSchema(explanationSchema);

function wireSchema<T>(schema: z.ZodType<T>): z.ZodType<Wire<T>>;
function wireSchema(schema: z.core.$ZodType): z.ZodType;
function wireSchema(schema: z.core.$ZodType): z.ZodType {
  if (schema instanceof z.ZodNullable) return wireSchema(schema.unwrap()).nullable();
  if (schema instanceof z.ZodArray) return z.array(wireSchema(schema.element));
  if (schema instanceof z.ZodDiscriminatedUnion) return z.union(schema.options.map(wireSchema));
  if (schema instanceof z.ZodObject) return z.strictObject(wireShape(schema.shape));
  if (schema instanceof z.ZodType) return schema;
  throw new Error("a schema of a kind that no explanation has had so far");
}

function wireShape(shape: Readonly<Record<string, z.core.$ZodType>>): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(shape).map(([key, inner]) => {
      const name = wireName(key);
      if (isInstant(key))
        return [name, inner instanceof z.ZodNullable ? timeSchema.nullable() : timeSchema];
      return [name, name === "priority" ? prioritySchema : wireSchema(inner)];
    }),
  );
}

/** The members of an explanation that hold an instant. */
const WIRE_INSTANT = /^(at|since|until|as_of|.+_at)$/;

/** Throws what zod throws for an answer that is none of ours. */
export function explanationFromWire(json: unknown): Explanation {
  return explanationSchema.parse(fromWire(json));
}

function fromWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromWire);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (WIRE_INSTANT.test(name))
        return [`${camel(name)}Ms`, inner === null ? null : Date.parse(String(inner))];
      if (name === "container_uuid") return ["containerId", inner];
      // Beyond 2^53 it comes as digits, else as a number.
      if (name === "priority") return [name, String(inner)];
      return [camel(name), fromWire(inner)];
    }),
  );
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
