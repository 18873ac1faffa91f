/** Numbers and times as the page writes them. */

export function formatMoney(amount: number): string {
  if (amount === 0) return "0";
  return amount >= 0.1 ? amount.toFixed(2) : Number(amount.toPrecision(3)).toString();
}

export function formatCount(count: number): string {
  return count.toLocaleString("en");
}

/** `3 s`, `5 m 12 s`, `34 m`, `2 h 5 m`, `3 d 4 h`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes} m ${seconds % 60} s`;
  if (minutes < 60) return `${minutes} m`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long before `nowMs` that was; "" for no time. */
export function formatAge(instant: string | null, nowMs: number): string {
  return instant === null ? "" : formatSpan(nowMs - Date.parse(instant));
}

/** In UTC, as journal and logs have it: `2026-01-02 00:36:38.450`. */
export function formatTime(instant: string | null): string {
  return instant === null ? "–" : instant.replace("T", " ").replace(/Z$/, "");
}

/** The end of an id is what differs; the whole stands in the title. */
export function shortId(id: string, length = 17): string {
  return id.length <= length ? id : `…${id.slice(1 - length)}`;
}

/** A code in words: `atQuota` is "at quota". */
export function inWords(code: string): string {
  return code.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Text from outside may be long: cut, and the whole elsewhere. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
