import type { z } from "zod";
import { suggestion } from "./nearest.ts";

/**
 * Members that a schema does not know, each in words: a misspelt one would have no effect, silently. `open` names members
 * whose inside may hold more than we read.
 */
export function strayMembers(
  schema: z.core.$ZodType,
  value: unknown,
  { open, path = "" }: { open: ReadonlySet<string>; path?: string },
): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "optional" || def.type === "nullable")
    return strayMembers(def.innerType, value, { open, path });
  if (def.type === "array" && Array.isArray(value))
    return value.flatMap((each, at) =>
      strayMembers(def.element, each, { open, path: `${path}[${at}]` }),
    );
  if (def.type !== "object" || typeof value !== "object" || value === null) return [];
  const prefix = path === "" ? "" : `${path}.`;
  return Object.entries(value).flatMap(([key, inner]) => {
    const field = Object.hasOwn(def.shape, key) ? def.shape[key] : undefined;
    if (!field) {
      const meant = suggestion(key, Object.keys(def.shape), prefix);
      return [`${prefix}${key} is not known and was passed over${meant}`];
    }
    return open.has(key) ? [] : strayMembers(field, inner, { open, path: prefix + key });
  });
}
