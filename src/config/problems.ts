import type { z } from "zod";
import { kindOf, valueAt, type ConfigMap } from "./document.ts";
import { error, type Finding } from "./finding.ts";
import { isSecret } from "./secrets.ts";

const SHOWN_MAX = 80;

/** A value for a message: its kind and, unless it is a secret or big, itself. */
export function describeValue(value: unknown, path: readonly string[]): string {
  if (typeof value === "object" || value === undefined) return kindOf(value);
  if (isSecret(path, value)) return `${kindOf(value)} (not shown)`;
  const text = JSON.stringify(value);
  return `${typeof value} ${text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text}`;
}

/** Issues of the check of one cluster as findings; the message of each issue is what was expected. */
export function findingsOf(
  issues: readonly z.core.$ZodIssue[],
  cluster: ConfigMap,
  prefix: string,
): Finding[] {
  return issues.map((issue) => {
    const path = issue.path.map(String);
    const place = [prefix, ...path].join(".");
    // The issues of a key stand one level down.
    const expected =
      issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    if (issue.code === "invalid_key") {
      return error(place, `${place}: unusable key: expected ${expected}`);
    }
    const value = describeValue(valueAt(cluster, path), path);
    return error(place, `cannot unmarshal ${value} into ${place}: expected ${expected}`);
  });
}
