export { formatSpan } from "../machines/explain/span-text.ts";

/** A size for people: `512 B`, `1.5 GiB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let size = bytes;
  let at = 0;
  while (size >= 1024 && at < units.length - 1) {
    size /= 1024;
    at++;
  }
  return `${at === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[at]}`;
}

/** In the config's currency, with as many digits as small prices need. */
export function formatMoney(amount: number): string {
  if (amount === 0) return "0";
  return amount >= 1 ? amount.toFixed(2) : amount.toPrecision(2);
}

export function formatTime(atMs: number | null): string {
  return atMs === null ? "-" : new Date(atMs).toISOString();
}
