/** Words in lines: none is cut, so that a name can be searched for. */
export function wrapped(words: readonly string[], gap: string, charsMax: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(word);
    else if (last.length + gap.length + word.length <= charsMax)
      lines[lines.length - 1] = last + gap + word;
    else lines.splice(-1, 1, last + gap.trimEnd(), word);
  }
  return lines;
}

const NAMES_CHARS_MAX = 28;

/** What stands in a box; a box for several states names them all. */
export function boxLines({ type, key }: { type: string; key: string }): string[] {
  return type === "any" ? wrapped(key.split(", "), ", ", NAMES_CHARS_MAX) : [key];
}
