/**
 * How amounts are written, everywhere: the command line, the page and the texts of explanations take them from here, and
 * nothing else makes a text of a number with a unit.
 */

/** A span, two units at most: `850ms`, `1.2s`, `12s`, `3m5s`, `2h10m`, `4d`. The config reads the same notation. */
export function formatSpan(ms: number): string {
  if (ms < 0) return `-${formatSpan(-ms)}`;
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const s = Math.floor(ms / 1_000);
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  if (s < 60) return `${s}s`;
  if (s < 3_600) return joined(Math.floor(s / 60), "m", s % 60, "s");
  const minutes = Math.floor(s / 60);
  if (minutes < 48 * 60) return joined(Math.floor(minutes / 60), "h", minutes % 60, "m");
  return joined(Math.floor(minutes / 1_440), "d", Math.floor((minutes % 1_440) / 60), "h");
}

function joined(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;
}

/** In the config's currency: whole cents, and of small prices three digits. */
export function formatMoney(amount: number): string {
  if (amount === 0) return "0";
  if (Math.abs(amount) >= 0.1) return amount.toFixed(2);
  const digits = Math.min(20, 2 - Math.floor(Math.log10(Math.abs(amount))));
  return amount.toFixed(digits).replace(/\.?0+$/, "") || "0";
}

/** As an exchange of prices has them, to the millionth. */
export function formatPrice(amount: number): string {
  return amount.toFixed(6);
}

const POWERS = ["K", "M", "G", "T", "P", "E"];
const BINARY = POWERS.map((power, at) => ({ unit: `${power}iB`, bytes: 1024 ** (at + 1) }));
const DECIMAL = POWERS.map((power, at) => ({ unit: `${power}B`, bytes: 1000 ** (at + 1) }));

/**
 * A size, as somebody would have written it in the config where that is exact (`256MiB`, `1.5GiB`, `2GB`); what is no
 * such size is cut to a digit (`1.1MiB`, never a size that is more than there is).
 */
export function formatSize(bytes: number): string {
  if (bytes < 0) return `-${formatSize(-bytes)}`;
  for (const units of [BINARY, DECIMAL])
    for (const { unit, bytes: one } of units.toReversed()) {
      const tenths = (bytes * 10) / one;
      if (Number.isInteger(tenths) && tenths >= 10 && tenths < 100_000)
        return `${tenths / 10}${unit}`;
    }
  const largest = BINARY.findLast(({ bytes: one }) => bytes >= one);
  if (!largest) return `${Math.floor(bytes)}B`;
  return `${Math.floor((bytes * 10) / largest.bytes) / 10}${largest.unit}`;
}

/** With the thousands set apart: `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en");
}

/** A share of the whole: `12.5%`. */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

/** A mean or a sum that is no whole number: `digits` behind the point. */
export function formatNumber(value: number, digits: number): string {
  return value.toFixed(digits);
}

/** Seconds to the millisecond, for columns of a log. */
export function formatSeconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

/** An instant in UTC, as journal, logs and `--until` have it; "-" for none. */
export function formatTime(at: number | string | null): string {
  return at === null ? "-" : new Date(at).toISOString();
}

/** A queue makes a container's priority of its request's and its age: `(request << 50) - created`, in milliseconds. */
const REQUEST_SHIFT = 50n;

/**
 * The priority as its user gave it, where the container's tells it exactly; else the container's own. Of an exact one
 * there is one in 2^50 by chance, so nothing else is taken for it.
 */
export function formatPriority(priority: string, createdAtMs: number): string {
  const made = BigInt(priority) + BigInt(Math.trunc(createdAtMs));
  const request = made >> REQUEST_SHIFT;
  return request > 0n && request << REQUEST_SHIFT === made ? String(request) : priority;
}
