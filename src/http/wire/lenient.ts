import { z } from "zod";

/** A schema for who reads an answer: members that a later version has added are let through. */
export function lenient<T>(schema: z.ZodType<T>): z.ZodType<T>;
export function lenient(schema: z.core.$ZodType): z.ZodType;
export function lenient(schema: z.core.$ZodType): z.ZodType {
  if (schema instanceof z.ZodNullable) return lenient(schema.unwrap()).nullable();
  if (schema instanceof z.ZodOptional) return lenient(schema.unwrap()).optional();
  if (schema instanceof z.ZodArray) return z.array(lenient(schema.element));
  if (schema instanceof z.ZodObject) {
    const members = Object.entries<z.core.$ZodType>(schema.shape);
    return z.looseObject(Object.fromEntries(members.map(([name, each]) => [name, lenient(each)])));
  }
  if (schema instanceof z.ZodType) return schema;
  throw new Error("a schema of a kind that no answer has had so far");
}
