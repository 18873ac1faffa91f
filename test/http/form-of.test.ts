import { expect, it } from "vitest";
import { z } from "zod";
import { formOf, type Members } from "../../src/http/form-of.ts";

interface Told {
  name: string;
  length: number;
  loud: string;
}

const MEMBERS: Members<Told, string> = {
  name: (text) => text,
  length: (text) => text.length,
  loud: (text) => text.toUpperCase(),
};

it("a form has the members that its schema names, in the schema's order, and no other", () => {
  const schema = z.strictObject({ loud: z.string(), name: z.string() });
  const form = formOf(schema, MEMBERS)("a worker");
  expect(JSON.stringify(form)).toBe('{"loud":"A WORKER","name":"a worker"}');
});

it("a schema that names what nobody tells does not compile", () => {
  const schema = z.strictObject({ name: z.string(), age: z.number() });
  // @ts-expect-error: `age` is told by nobody
  expect(() => formOf(schema, MEMBERS)("a worker")).not.toThrow();
});
