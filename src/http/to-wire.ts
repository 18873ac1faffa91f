import { instant } from "./instant.ts";

type Time = (atMs: number) => string;

/** Their members are named by ids and names from outside: those stay as they are. */
const MAPS = new Set(["processes", "instanceTypes", "quotaGroups"]);
const INSTANT = /(^at|At|^since|Since|^until|Until|^from|^to|^asOf)Ms$/;

/**
 * Facts, commands, decisions, explanations and what machines remember, as they go on the wire: snake_case, instants in
 * RFC 3339. Spans keep their unit (`idle_ms`), containers are named by their uuid.
 */
export function toWire(value: object, time?: Time): object;
export function toWire(value: unknown, time?: Time): unknown;
export function toWire(value: unknown, time: Time = instant): unknown {
  if (Array.isArray(value)) return value.map((each) => toWire(each, time));
  if (!isObject(value)) return value;
  const wired: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    if (isInstant(key))
      define(wired, wireName(key), typeof inner === "number" ? time(inner) : null);
    else define(wired, wireName(key), MAPS.has(key) ? mapToWire(inner, time) : toWire(inner, time));
  }
  return wired;
}

function mapToWire(value: unknown, time: Time): unknown {
  if (!isObject(value)) return toWire(value, time);
  const wired: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) define(wired, key, toWire(inner, time));
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

export function isInstant(key: string): boolean {
  return INSTANT.test(key);
}

export function wireName(key: string): string {
  return (isInstant(key) ? key.slice(0, -2) : key)
    .replace(/ontainerId(s?)$/, "ontainerUuid$1")
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
