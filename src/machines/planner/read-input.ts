import type { z } from "zod";

/**
 * Reads JSON that a person wrote. Throws an `Error` whose message names the path in it, what was found and what was
 * expected.
 */
export function readInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A misspelt key first: what is missing then may be what it was meant to be.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  if (!issue) throw new Error("unreadable input");
  const others = issues.filter((other) => other !== issue);
  const [key] = issue.code === "unrecognized_keys" ? issue.keys : [];
  const path = key === undefined ? issue.path : [...issue.path, key];
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  throw new Error(
    `${nameOf(path)}: found ${show(valueAt(input, path))}, expected ${expectationOf(issue)}${more}`,
  );
}

/** What zod reports, or what a rule between fields found. */
export function badInput(path: PropertyKey[], found: unknown, expected: string): Error {
  return new Error(`${nameOf(path)}: found ${show(found)}, expected ${expected}`);
}

/** What zod calls it, in words. */
const WORDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a text",
};

function expectationOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      // A schema's own words tell more.
      return issue.message.startsWith("Invalid input")
        ? (WORDS[issue.expected] ?? issue.expected)
        : issue.message;
    case "invalid_value":
      return issue.values.map((value) => show(value)).join(" or ");
    case "too_small":
      return issue.inclusive === false ? `more than ${issue.minimum}` : `at least ${issue.minimum}`;
    case "too_big":
      return `at most ${issue.maximum}`;
    case "unrecognized_keys":
      return "no such key";
    case "invalid_union":
      return issue.errors.flatMap(([first]) => (first ? [expectationOf(first)] : [])).join(", or ");
    default:
      return issue.message;
  }
}

function nameOf(path: PropertyKey[]): string {
  const name = path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("");
  return name.replace(/^\./, "") || "input";
}

function valueAt(input: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined,
    input,
  );
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "bigint") return String(value);
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
