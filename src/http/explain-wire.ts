import { z } from "zod";
import { explanationSchema, type Explanation } from "../machines/explain/explanation.ts";
import { prioritySchema } from "./wire/common.ts";
import { timeOrNull } from "./wire-json.ts";

/** Members that hold an instant, and those whose names differ from the rule. */
const INSTANT = /^(at|since|until|as_of|.+_at)$/;
const OTHER_NAMES = { containerId: "container_uuid" } as const;

/** On the wire: snake_case, instants in RFC 3339. All members are ours: no text from outside is a key. */
export function explanationToWire(explanation: Explanation): object {
  return toWire(explanation) as object;
}

/** What an explanation looks like on the wire, made from what it is by the same rules. */
export const explanationWireSchema = wireSchema(explanationSchema);

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
      const time = z.iso.datetime();
      if (INSTANT.test(name))
        return [name, inner instanceof z.ZodNullable ? time.nullable() : time];
      return [name, name === "priority" ? prioritySchema : wireSchema(inner)];
    }),
  );
}

/** Throws what zod throws for an answer that is none of ours. */
export function explanationFromWire(json: unknown): Explanation {
  return explanationSchema.parse(fromWire(json));
}

function toWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = wireName(key);
      return [name, INSTANT.test(name) ? timeOrNull(inner as number | null) : toWire(inner)];
    }),
  );
}

function fromWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromWire);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (INSTANT.test(name))
        return [`${camel(name)}Ms`, inner === null ? null : Date.parse(String(inner))];
      if (name === OTHER_NAMES.containerId) return ["containerId", inner];
      // Beyond 2^53 it comes as digits, else as a number.
      if (name === "priority") return [name, String(inner)];
      return [camel(name), fromWire(inner)];
    }),
  );
}

function wireName(key: string): string {
  if (key === "containerId") return OTHER_NAMES.containerId;
  return key.replace(/Ms$/, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
