import type { Writable } from "node:stream";

/** As one piece it would be copied and encrypted in one go as far as the server has room, and nothing else be done meanwhile. */
const PIECE_BYTES = 128 * 1024;

/** Writes all of it and ends the stream. What is large goes piece by piece, with the event loop let on between any two. */
export function endWith(
  stream: Writable,
  content: string | Buffer,
  onSent?: (bytes: number) => void,
): void {
  if (typeof content === "string" || content.length <= PIECE_BYTES) {
    stream.end(content);
    return;
  }
  const write = (from: number): void => {
    if (stream.destroyed || stream.writableEnded) return;
    const to = Math.min(from + PIECE_BYTES, content.length);
    stream.write(content.subarray(from, to), (error) => {
      // A stream that failed has told so elsewhere: as an error, and by being closed.
      if (error) return;
      onSent?.(to);
      if (to < content.length) setImmediate(write, to);
      else stream.end();
    });
  };
  write(0);
}
