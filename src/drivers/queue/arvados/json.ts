const LONG_DIGITS = /\d{16,}/g;
const BEFORE_VALUE = /[\s[:,]/;
/** A key, a fraction and an exponent are no match, so broken JSON stays broken. */
const AFTER_VALUE = /\s*(?:[,\]}]|$)/y;

/**
 * `JSON.parse`, except that an integer beyond 2^53 comes out as a string of its digits instead of a rounded number.
 * Throws `SyntaxError`.
 */
export function parseLossless(text: string): unknown {
  return JSON.parse(quoteLongIntegers(text)) as unknown;
}

/**
 * Walks from one long run of digits to the next and, for each, over the strings that begin before it: `indexOf` makes
 * this three times as fast as one regular expression that matches strings too.
 */
function quoteLongIntegers(text: string): string {
  let quoted = "";
  let copiedTo = 0;
  let stringsEnd = 0;
  let nextString = text.indexOf('"');
  for (const match of text.matchAll(LONG_DIGITS)) {
    while (nextString !== -1 && nextString < match.index) {
      stringsEnd = endOfString(text, nextString);
      nextString = text.indexOf('"', stringsEnd);
    }
    if (stringsEnd > match.index) continue;
    const end = match.index + match[0].length;
    const start = text[match.index - 1] === "-" ? match.index - 1 : match.index;
    if (Number.isSafeInteger(Number(match[0])) || !isInteger(text, start, end)) continue;
    quoted += `${text.slice(copiedTo, start)}"${text.slice(start, end)}"`;
    copiedTo = end;
  }
  return copiedTo === 0 ? text : quoted + text.slice(copiedTo);
}

function isInteger(text: string, start: number, end: number): boolean {
  if (text[start] === "0" || text.startsWith("-0", start)) return false;
  if (start > 0 && !BEFORE_VALUE.test(text.charAt(start - 1))) return false;
  AFTER_VALUE.lastIndex = end;
  return AFTER_VALUE.test(text);
}

/** The index behind the closing quote of the string that opens at `open`. */
function endOfString(text: string, open: number): number {
  for (
    let close = text.indexOf('"', open + 1);
    close !== -1;
    close = text.indexOf('"', close + 1)
  ) {
    let before = close - 1;
    while (text[before] === "\\") before--;
    if ((close - before) % 2 === 1) return close + 1;
  }
  return text.length;
}

/** `JSON.stringify`, except that a bigint is written as a plain integer. Plain data only. */
export function stringifyLossless(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(stringifyLossless).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => `${JSON.stringify(key)}:${stringifyLossless(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
