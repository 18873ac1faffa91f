import { randomInt } from "node:crypto";

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** `req-` and 20 base36 digits, as every Arvados service has it. */
export function makeRequestId(): string {
  const digits = Array.from({ length: 20 }, () => DIGITS[randomInt(DIGITS.length)]);
  return `req-${digits.join("")}`;
}
