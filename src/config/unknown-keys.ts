import type { z } from "zod";
import { isMap, type ConfigMap } from "./document.ts";
import { warning, type Finding } from "./finding.ts";
import { bare } from "./schema-walk.ts";

/** What may stand below `key`, by each schema that knows it. */
function below(schemas: readonly z.core.$ZodTypes[], key: string): z.core.$ZodTypes[] {
  const found: z.core.$ZodTypes[] = [];
  for (const schema of schemas) {
    const def = schema._zod.def;
    if (def.type === "object" && Object.hasOwn(def.shape, key)) {
      const field = def.shape[key];
      if (field) found.push(bare(field));
    }
    if (def.type === "record") found.push(bare(def.valueType));
  }
  return found;
}

function knownNames(schemas: readonly z.core.$ZodTypes[]): string[] {
  return schemas.flatMap(({ _zod: { def } }) =>
    def.type === "object" ? Object.keys(def.shape) : [],
  );
}

/**
 * Drops entries that no schema knows and warns of each (specification §1.1). An entry that differs from a known one by letter case
 * only is dropped too: the original's decoder would otherwise take it for the other.
 */
export function dropUnknown(
  value: ConfigMap,
  schemas: readonly z.core.$ZodType[],
  path: string,
): { value: ConfigMap; findings: Finding[] } {
  const findings: Finding[] = [];
  const inner = schemas.map(bare);
  const entries = Object.entries(value).flatMap(([key, entry]): [string, unknown][] => {
    const place = `${path}.${key}`;
    const next = below(inner, key);
    if (next.length === 0) {
      const meant = knownNames(inner).find((name) => name.toLowerCase() === key.toLowerCase());
      const hint = meant ? ` (perhaps you meant ${meant}?)` : "";
      findings.push(warning(place, `deprecated or unknown config entry: ${place}${hint}`));
      return [];
    }
    const nested = next.some(({ _zod: { def } }) => def.type === "object" || def.type === "record");
    if (!nested || !isMap(entry)) return [[key, entry]];
    const cleaned = dropUnknown(entry, next, place);
    findings.push(...cleaned.findings);
    return [[key, cleaned.value]];
  });
  return { value: Object.fromEntries(entries), findings };
}
