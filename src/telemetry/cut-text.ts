const MARK = "… [cut]";
const MARK_BYTES = Buffer.byteLength(MARK);

/**
 * At most `maxBytes` bytes of UTF-8, cut on a character boundary, with a mark at the end if anything is missing. Redact
 * before cutting: half of a secret is not recognised.
 */
export function cutText(text: string, maxBytes: number): string {
  // Three bytes per UTF-16 unit is the most there can be: no need to encode a short text.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const mark = maxBytes >= MARK_BYTES ? MARK : "";
  let end = Math.max(0, maxBytes - Buffer.byteLength(mark));
  // 10xxxxxx continues a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end) + mark;
}
