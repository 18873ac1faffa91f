import type { Duplex } from "node:stream";

/** Of one line of the protocol: whoever sends more is none of ours. */
const LINE_BYTES_MAX = 4096;

/** A line that does not come, or is none of the protocol. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/**
 * The next line, as the JSON object that it must be. What came behind it stays in the stream. Without `timeoutMs` it waits for as
 * long as the stream is open.
 */
export function readLine(
  stream: Duplex,
  timeoutMs?: number,
): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve, reject) => {
    let text = Buffer.alloc(0);
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => leave(() => reject(new LineError("nothing came"))), timeoutMs);
    const leave = (settle: () => void): void => {
      clearTimeout(timer);
      stream.off("readable", onReadable).off("end", onEnd).off("close", onEnd).off("error", onEnd);
      settle();
    };
    const onEnd = (): void => leave(() => reject(new LineError("the other side has gone")));
    const onReadable = (): void => {
      const piece = stream.read() as Buffer | null;
      if (piece === null) return;
      const feed = piece.indexOf(0x0a);
      text = Buffer.concat([text, feed < 0 ? piece : piece.subarray(0, feed)]);
      if (text.length > LINE_BYTES_MAX) return leave(() => reject(new LineError("line too long")));
      if (feed < 0) return;
      leave(() => {
        if (feed + 1 < piece.length) stream.unshift(piece.subarray(feed + 1));
        const json = parsed(text.toString("utf8"));
        if (json) resolve(json);
        else reject(new LineError("not a line of the protocol"));
      });
    };
    stream.on("readable", onReadable).on("end", onEnd).on("close", onEnd).on("error", onEnd);
    if (stream.destroyed || stream.readableEnded) onEnd();
  });
}

export function writeLine(stream: Duplex, json: object): void {
  stream.write(`${JSON.stringify(json)}\n`);
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? { ...json } : undefined;
  } catch {
    return undefined;
  }
}
