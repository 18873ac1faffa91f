import { parseDocument, type Tags } from "yaml";
import { error, warning, type Finding } from "./finding.ts";

export type ConfigMap = Readonly<Record<string, unknown>>;

export function isMap(value: unknown): value is ConfigMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Go's YAML has no sexagesimal numbers (`22:30`) and hands dates on as text. */
const NOT_IN_GO = new Set<unknown>([
  "tag:yaml.org,2002:timestamp",
  "tag:yaml.org,2002:binary",
  "tag:yaml.org,2002:omap",
  "tag:yaml.org,2002:pairs",
  "tag:yaml.org,2002:set",
]);

function likeGo(tags: Tags): Tags {
  return tags.filter(
    (tag) =>
      typeof tag === "string" ||
      (!NOT_IN_GO.has(tag.tag) && !("format" in tag && tag.format === "TIME")),
  );
}

/** YAML 1.1, as the original reads it: `yes` is true. JSON is YAML. */
export const YAML_OPTIONS = {
  version: "1.1",
  merge: true,
  customTags: likeGo,
  logLevel: "error",
} as const;

/** Reads the text as YAML. */
export function readDocument(
  text: string,
  sourceName: string,
): { root: ConfigMap | undefined; findings: Finding[] } {
  const document = parseDocument(text, YAML_OPTIONS);
  const findings: Finding[] = document.errors.map((problem) => {
    const [first = problem.message] = problem.message.split("\n");
    // The original takes the last of two equal keys without a word.
    return problem.code === "DUPLICATE_KEY"
      ? warning("", `${sourceName}: ${first} The last one counts.`)
      : error("", `${sourceName}: not valid YAML: ${first}`);
  });
  if (findings.some((finding) => finding.severity === "error"))
    return { root: undefined, findings };
  try {
    const root: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
    if (isMap(root)) return { root, findings };
    findings.push(
      error("", `${sourceName}: expected a map with the key Clusters, got ${kindOf(root)}`),
    );
  } catch (problem) {
    findings.push(error("", `${sourceName}: not valid YAML: ${String(problem)}`));
  }
  return { root: undefined, findings };
}

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (isMap(value)) return "a map";
  return typeof value === "boolean" ? "a boolean" : `a ${typeof value}`;
}

/** Drops every key whose value is null, through maps; an entry without a value keeps its default (specification §1.1). */
export function dropNulls(value: ConfigMap): ConfigMap {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .map(([key, inner]) => [key, isMap(inner) ? dropNulls(inner) : inner]),
  );
}

/** Maps merge key by key; scalars and lists of `site` replace (specification §1.1). */
export function mergeOver(defaults: ConfigMap, site: ConfigMap): ConfigMap {
  const merged = new Map(Object.entries(defaults));
  for (const [key, value] of Object.entries(site)) {
    const base = merged.get(key);
    merged.set(key, isMap(base) && isMap(value) ? mergeOver(base, value) : value);
  }
  return Object.fromEntries(merged);
}

/** The document that holds nothing but `value`, at a path of one key or more. */
export function atPath([key = "", ...inner]: readonly string[], value: unknown): ConfigMap {
  return { [key]: inner.length === 0 ? value : atPath(inner, value) };
}

/** The value at a path, or undefined. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (!isMap(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}
