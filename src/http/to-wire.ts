import { instant } from "./instant.ts";

/** Their members are named by ids and names from outside: those stay as they are. */
const MAPS = new Set(["processes", "instanceTypes", "quotaGroups"]);
const INSTANT = /(^at|At|^since|Since|^until|Until|^from|^to|^asOf)Ms$/;

/**
 * Facts, commands, decisions and what machines remember, as they go on the wire: snake_case, instants in RFC 3339. Spans
 * keep their unit (`idle_ms`), containers are named by their uuid.
 */
export function toWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWire);
  if (!isObject(value)) return value;
  const wired: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    if (INSTANT.test(key)) define(wired, wireName(key.slice(0, -2)), instantOf(inner));
    else define(wired, wireName(key), MAPS.has(key) ? mapToWire(inner) : toWire(inner));
  }
  return wired;
}

function mapToWire(value: unknown): unknown {
  if (!isObject(value)) return toWire(value);
  const wired: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) define(wired, key, toWire(inner));
  return wired;
}

/** Also where the name is `__proto__`. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function instantOf(value: unknown): string | null {
  return typeof value === "number" ? instant(value) : null;
}

function wireName(key: string): string {
  return key
    .replace(/ontainerId(s?)$/, "ontainerUuid$1")
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
