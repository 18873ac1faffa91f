const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const INT64_MAX = 2n ** 63n - 1n;
const PART = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)?/y;

const FORM = "a duration such as 10s, 1.5s or 2h45m (units ns us ms s m h)";

/**
 * A span in milliseconds as the config writes it (specification §1.2): Go's form, `1.5s`, `2h45m`. The unit must be there, except
 * for `0`. Throws a `RangeError` that says what was expected.
 */
export function parseDuration(value: number | string): number {
  if (value === 0) return 0;
  const text = String(value);
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  if (body === "") throw new RangeError(FORM);
  let total = 0n;
  PART.lastIndex = 0;
  while (PART.lastIndex < body.length) {
    const part = PART.exec(body);
    const [whole = "", fraction = "", unit] = part?.slice(1) ?? [];
    if (whole + fraction === "") throw new RangeError(FORM);
    if (!unit) throw new RangeError(`${FORM}; missing unit in duration`);
    const scale = NANOSECONDS[unit] ?? 1n;
    total += (BigInt(whole + fraction) * scale) / 10n ** BigInt(fraction.length);
    if (total > INT64_MAX) throw new RangeError("a duration below 292 years");
  }
  // Whole milliseconds apart: nanoseconds leave the safe integers after 104 days.
  return sign * (Number(total / 1_000_000n) + Number(total % 1_000_000n) / 1e6);
}

/** Go's form, without a trailing `0s` or `0m`: `1m`, `2h1s`, `1.5s`, `20ms` (specification §1.2). */
export function formatDuration(ms: number): string {
  const size = Math.abs(ms);
  const wholeMs = Math.floor(size);
  const belowMs = Math.round((size - wholeMs) * 1e6);
  const sign = ms < 0 ? "-" : "";
  if (wholeMs === 0 && belowMs === 0) return "0s";
  if (wholeMs === 0) {
    return belowMs < 1000 ? `${sign}${belowMs}ns` : `${sign}${belowMs / 1000}µs`;
  }
  if (wholeMs < 1000) return `${sign}${(wholeMs * 1e6 + belowMs) / 1e6}ms`;
  const hours = Math.floor(wholeMs / 3_600_000);
  const minutes = Math.floor((wholeMs % 3_600_000) / 60_000);
  const seconds = ((wholeMs % 60_000) * 1e6 + belowMs) / 1e9;
  const parts = [
    hours > 0 ? `${hours}h` : "",
    minutes > 0 ? `${minutes}m` : "",
    seconds > 0 ? `${seconds}s` : "",
  ];
  return sign + parts.join("");
}
