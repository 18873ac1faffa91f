import type { z } from "zod";

/** How each member of what goes on the wire is told, of what is known here. */
export type Members<Form, Known> = { readonly [M in keyof Form]: (known: Known) => Form[M] };

/** Makes a form on the wire: the members that its schema names, in the schema's order. */
export function formOf<Shape extends z.ZodRawShape, Known>(
  schema: z.ZodObject<Shape>,
  members: Members<z.infer<z.ZodObject<Shape>>, Known>,
): (known: Known) => z.infer<z.ZodObject<Shape>>;
export function formOf(
  { shape }: z.ZodObject,
  members: Readonly<Record<string, (known: unknown) => unknown>>,
): (known: unknown) => unknown {
  const names = Object.keys(shape);
  return (known) => {
    const form: Record<string, unknown> = {};
    for (const name of names) form[name] = members[name]?.(known);
    return form;
  };
}
