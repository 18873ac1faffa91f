import { isMap } from "./document.ts";

const SECRET_KEY = /(token|secret|password|key|keybase)$/i;
const PUBLIC_KEY = /publickey$/i;

/** Whether the value at a path must never be shown. A reference (`file://…`) may. */
export function isSecret(path: readonly string[], value: unknown): boolean {
  const key = path.at(-1) ?? "";
  if (!SECRET_KEY.test(key) || PUBLIC_KEY.test(key) || path.includes("ResourceTags")) return false;
  return !(typeof value === "string" && (value === "" || value.startsWith("file://")));
}

/** Every secret text in a config document, for the log's redaction. */
export function secretsIn(value: unknown, path: readonly string[] = []): string[] {
  if (isMap(value)) {
    return Object.entries(value).flatMap(([key, inner]) => secretsIn(inner, [...path, key]));
  }
  if (Array.isArray(value)) return value.flatMap((inner) => secretsIn(inner, path));
  return typeof value === "string" && isSecret(path, value) ? [value] : [];
}

/** The same document with every secret replaced. */
export function hideSecrets(value: unknown, path: readonly string[] = []): unknown {
  if (isMap(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, hideSecrets(inner, [...path, key])]),
    );
  }
  if (Array.isArray(value)) return value.map((inner) => hideSecrets(inner, path));
  return value != null && isSecret(path, value) ? "(hidden)" : value;
}
