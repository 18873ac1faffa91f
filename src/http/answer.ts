import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { AppContext } from "./context.ts";
import { wireJson } from "./wire-json.ts";

/** An answer of our own endpoints. */
export function answer(ctx: AppContext, status: number, value: object): void {
  ctx.status = status;
  setHeaders(ctx);
  ctx.body = `${wireJson(value)}\n`;
}

/** One that is too large to be made at once; compressed where the client takes that. */
export function answerInPieces(ctx: AppContext, pieces: AsyncIterable<string>): void {
  ctx.status = 200;
  setHeaders(ctx);
  ctx.vary("Accept-Encoding");
  const text = Readable.from(pieces, { objectMode: true, highWaterMark: 2 });
  if (ctx.acceptsEncodings("gzip", "identity") !== "gzip") {
    ctx.body = text;
    return;
  }
  ctx.set("Content-Encoding", "gzip");
  const gzip = createGzip({ level: 1 });
  text.on("error", (error) => gzip.destroy(error));
  gzip.on("close", () => text.destroy());
  ctx.body = text.pipe(gzip);
}

function setHeaders(ctx: AppContext): void {
  ctx.set("Content-Type", "application/json");
  ctx.set("Cache-Control", "no-store");
  ctx.set("X-Content-Type-Options", "nosniff");
}
