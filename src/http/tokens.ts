import { createHash, timingSafeEqual } from "node:crypto";
import type { AppContext } from "./context.ts";

/** Compares digests in constant time: neither the token's text nor its length shows in the time taken. */
export function makeTokenCheck(token: string): (candidate: string) => boolean {
  const expected = digest(token);
  return (candidate) => token !== "" && timingSafeEqual(digest(candidate), expected);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Whether the header is exactly `Bearer <token>` (specification §11.4, §11.6). */
export function makeBearerCheck(token: string): (authorization: string) => boolean {
  const isToken = makeTokenCheck(token);
  return (authorization) =>
    authorization.startsWith("Bearer ") && isToken(authorization.slice("Bearer ".length));
}

/** Every token that the request brings, wherever (specification §11.2). */
export function tokensOf(ctx: AppContext): string[] {
  const tokens: string[] = [];
  const [, scheme, value] = /^(\S+) (.*)$/.exec(ctx.get("Authorization")) ?? [];
  if (scheme === "Bearer" || scheme === "OAuth2") tokens.push(value?.trim() ?? "");
  if (scheme?.toLowerCase() === "basic") tokens.push(...passwordOf(value ?? ""));
  tokens.push(...new URLSearchParams(ctx.state.target.search).getAll("api_token"));
  const cookie = ctx.cookies.get("arvados_api_token");
  if (cookie) tokens.push(Buffer.from(cookie, "base64url").toString());
  return tokens;
}

function passwordOf(encoded: string): string[] {
  const text = Buffer.from(encoded.trim(), "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? [] : [text.slice(colon + 1).trim()];
}
