/** A span for people, two units at most: `850ms`, `12s`, `3m5s`, `2h10m`, `4d`. */
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
