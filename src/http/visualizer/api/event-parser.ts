export interface ServerEvent {
  readonly type: string;
  readonly id: string;
  readonly data: string;
}

/** Reads server-sent events from text that comes in any pieces (the browser's own reader cannot send a token). */
export class EventParser {
  #rest = "";

  /** The events that this piece completes. */
  push(piece: string): ServerEvent[] {
    const text = this.#rest + piece;
    // A `\r` at the end may be half of a line's end.
    const blocks = text.split(/\r?\n\r?\n/);
    this.#rest = blocks.pop() ?? "";
    return blocks.map(parseBlock).filter((event) => event !== null);
  }
}

/** Null for a comment, which only keeps the connection alive. */
function parseBlock(block: string): ServerEvent | null {
  const members = { event: "message", id: "" };
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === "data") data.push(value);
    else if (name === "event" || name === "id") members[name] = value;
  }
  return data.length === 0 ? null : { type: members.event, id: members.id, data: data.join("\n") };
}
