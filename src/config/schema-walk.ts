import type { z } from "zod";
import type { ConfigMap } from "./document.ts";

/** The schema below defaults, transforms and refinements. */
export function bare(schema: z.core.$ZodType): z.core.$ZodTypes {
  let inner = schema as z.core.$ZodTypes;
  for (;;) {
    const def = inner._zod.def;
    if (def.type === "prefault") inner = def.innerType as z.core.$ZodTypes;
    else if (def.type === "pipe") inner = def.in as z.core.$ZodTypes;
    else return inner;
  }
}

/** The default tree of a section in the notation of the file. */
export function defaultsOf(schema: z.core.$ZodType): unknown {
  const inner = bare(schema)._zod.def;
  if (inner.type === "object") {
    const entries = Object.entries(inner.shape).map(([key, field]) => [key, defaultsOf(field)]);
    return Object.fromEntries(entries) as ConfigMap;
  }
  let outer = schema as z.core.$ZodTypes;
  while (outer._zod.def.type === "pipe") outer = outer._zod.def.in as z.core.$ZodTypes;
  const def = outer._zod.def;
  if (def.type !== "prefault") throw new Error(`a config field without default: ${def.type}`);
  return def.defaultValue;
}
