import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";
import type { AppContext, AppMiddleware } from "./context.ts";

/** Everything from here, nothing inline, in nobody's frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly compressed: Buffer;
  readonly etag: string;
  readonly cacheControl: string;
}

/** Its name holds a hash of its content. */
const HASHED = /^\/assets\/.+-[\w-]{8,}\.\w+$/;

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>dispatch-cloud</title>
<h1>The page is not built</h1>
<p>The dispatcher runs; its page is missing from this copy of the program. In the folder of its sources,
<code>npm run build</code> makes it. <code>dispatch-cloud status</code> and <code>dispatch-cloud ps</code> tell the same
in a terminal.</p>
</html>
`;

/**
 * The built page, open to everybody: it holds no data. Files are read once and found by name among those, so that no path
 * leads out of the folder. While there is none, "/" says how to make it.
 */
export function servePage(folder: string): AppMiddleware {
  let files: ReadonlyMap<string, PageFile> | undefined;
  return (ctx, next) => {
    if (ctx.method !== "GET" && ctx.method !== "HEAD") return next();
    const { path } = ctx.state.target;
    const isPage = path === "/" || path === "/index.html";
    if (!files && (isPage || path.startsWith("/assets/"))) files = readFolder(folder);
    const file = files?.get(path === "/" ? "/index.html" : path);
    if (file) return send(ctx, file);
    if (!isPage) return next();
    // It may be built any moment.
    files = undefined;
    return sendNotBuilt(ctx);
  };
}

function send(ctx: AppContext, file: PageFile): void {
  setHeaders(ctx, file.type, file.cacheControl);
  ctx.set("ETag", file.etag);
  ctx.vary("Accept-Encoding");
  ctx.status = 200;
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  const compress = ctx.acceptsEncodings("gzip", "identity") === "gzip";
  if (compress) ctx.set("Content-Encoding", "gzip");
  ctx.body = compress ? file.compressed : file.body;
  ctx.set("Content-Type", file.type);
}

function sendNotBuilt(ctx: AppContext): void {
  setHeaders(ctx, TYPES[".html"] as string, "no-store");
  ctx.status = 503;
  ctx.body = NOT_BUILT;
  ctx.set("Content-Type", TYPES[".html"] as string);
}

function setHeaders(ctx: AppContext, type: string, cacheControl: string): void {
  ctx.set("Content-Type", type);
  ctx.set("Cache-Control", cacheControl);
  ctx.set("Content-Security-Policy", POLICY);
  ctx.set("X-Content-Type-Options", "nosniff");
  ctx.set("Referrer-Policy", "no-referrer");
  ctx.set("X-Frame-Options", "DENY");
  ctx.set("Cross-Origin-Opener-Policy", "same-origin");
  ctx.set("Cross-Origin-Resource-Policy", "same-origin");
}

function readFolder(folder: string): ReadonlyMap<string, PageFile> | undefined {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return undefined;
  }
  const files = new Map<string, PageFile>();
  for (const name of names) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const path = `/${relative(folder, name).split(sep).join("/")}`;
    files.set(path, pageFile(path, type, readFileSync(name)));
  }
  return files.has("/index.html") ? files : undefined;
}

function pageFile(path: string, type: string, body: Buffer): PageFile {
  return {
    type,
    body,
    compressed: gzipSync(body, { level: 9 }),
    etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
    cacheControl: HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache",
  };
}
