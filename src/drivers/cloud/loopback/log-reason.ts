/** Longer reasons are cut. */
const REASON_CHARACTERS_MAX = 400;

/**
 * Why a process of Node ended, from what it wrote: the message of the last error that it names, or else its last words. The
 * frames of a stack and what follows them differ between versions of Node, and tell a user nothing.
 */
export function reasonIn(log: string): string {
  const lines = log.trimEnd().split("\n");
  const from = lines.findLastIndex((line) => /^(?:\w+ )?\w*Error(?: \[\w+\])?: /.test(line));
  if (from < 0) return lines.join("\n").trimStart().slice(-REASON_CHARACTERS_MAX);
  const told = lines.slice(from);
  const end = told.findIndex((line) => /^\s+at |^Node\.js v/.test(line));
  const message = told.slice(0, end < 0 ? told.length : end).join("\n");
  return message.trimEnd().slice(0, REASON_CHARACTERS_MAX);
}
