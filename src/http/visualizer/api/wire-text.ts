/**
 * Priorities may exceed 2^53: their digits are quoted before a parser rounds them. (Within a text the quotes of a
 * member's name would be escaped, so nothing else can match.)
 */
export function quoteLongPriorities(json: string): string {
  return json.replace(/([{,]\s*"priority":\s*)(-?\d{16,})/g, '$1"$2"');
}
