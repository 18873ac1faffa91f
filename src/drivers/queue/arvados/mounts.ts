function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return kindOf(value) === "object";
}

/** In the words of the original, which its users know (specification §4.4). */
function mismatch(value: unknown, path: string, expected: string): Error {
  return new Error(`json: cannot unmarshal ${kindOf(value)} into ${path} (expected ${expected})`);
}

/**
 * Sum of the capacities (bytes) of the mounts of kind `tmp` in an answer to `select=["mounts"]`. Null and absent count
 * as empty. Throws an `Error` that names the mount when the field cannot be read.
 */
export function sumTmpMounts(answer: unknown): number {
  if (!isObject(answer)) throw mismatch(answer, "container record", "an object");
  const mounts = answer["mounts"] ?? {};
  if (!isObject(mounts)) throw mismatch(mounts, "mounts", "an object");
  let total = 0;
  for (const [target, mount] of Object.entries(mounts)) {
    const capacity = readCapacity(mount, `mounts[${JSON.stringify(target)}]`);
    if (isObject(mount) && mount["kind"] === "tmp") total += capacity;
  }
  return total;
}

function readCapacity(mount: unknown, path: string): number {
  if (!isObject(mount)) {
    if (mount === null) return 0;
    throw mismatch(mount, path, "an object");
  }
  const kind = mount["kind"] ?? "";
  if (typeof kind !== "string") throw mismatch(kind, `${path}.kind`, "a string");
  const given = mount["capacity"] ?? 0;
  // Beyond 2^53 it comes as digits; no instance has that much, so rounding it is harmless.
  const capacity = typeof given === "string" && /^\d+$/.test(given) ? Number(given) : given;
  if (typeof capacity !== "number" || !Number.isInteger(capacity) || capacity < 0) {
    throw mismatch(given, `${path}.capacity`, "a count of bytes");
  }
  return capacity;
}
