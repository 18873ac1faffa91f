const FORM =
  /^(?<sign>-?)(?<whole>0|[1-9]\d*)(?:\.(?<fraction>\d+))?(?:[eE](?<exponent>[+-]?\d+))?\s*(?:(?<unit>[KMGTPE]i?)?B?)$/;

const INT64_MAX = 2n ** 63n - 1n;
const POWERS = "KMGTPE";

function factorOf(unit: string): bigint {
  if (unit === "") return 1n;
  const power = BigInt(POWERS.indexOf(unit.charAt(0)) + 1);
  return (unit.endsWith("i") ? 1024n : 1000n) ** power;
}

/**
 * A size in bytes as the config writes it (specification §1.2): a whole number, or a decimal number with a unit (`550MiB`,
 * `1.5 GB`, `4Ki`). Fractions of a byte are cut off. A quoted number without a unit is bytes. Throws a `RangeError` that
 * says what was expected. The value is exact as long as it is below 2^53.
 */
export function parseByteSize(value: number | string): number {
  if (typeof value === "number") {
    if (!Number.isInteger(value)) throw new RangeError("a whole number of bytes");
    if (Math.abs(value) > Number(INT64_MAX)) throw new RangeError("a size below 8EiB");
    return value;
  }
  const parts = FORM.exec(value.trim())?.groups;
  if (!parts) {
    throw new RangeError(
      "a size such as 1073741824, 550MiB or 1.5GB (units K M G T P E or Ki Mi Gi Ti Pi Ei)",
    );
  }
  const fraction = parts["fraction"] ?? "";
  const digits = BigInt((parts["whole"] ?? "0") + fraction) * factorOf(parts["unit"] ?? "");
  const exponent = Number(parts["exponent"] ?? "0") - fraction.length;
  // Beyond these exponents the answer is known, and the power would only eat memory.
  if (digits === 0n || exponent < -400) return 0;
  if (exponent > 40) throw new RangeError("a size below 8EiB");
  const bytes = exponent < 0 ? digits / 10n ** BigInt(-exponent) : digits * 10n ** BigInt(exponent);
  if (bytes > INT64_MAX) throw new RangeError("a size below 8EiB");
  return Number(parts["sign"] === "-" ? -bytes : bytes);
}
