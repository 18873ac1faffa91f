import { createHash } from "node:crypto";

/**
 * Names our instances among those of other dispatchers in the same account (specification §2.5). A `v2/` token gives its uuid, any
 * other the MD5 of the whole. A changed token orphans all instances.
 */
export function instanceSetId(token: string): string {
  if (token.startsWith("v2/")) {
    const uuid = token.split("/")[1];
    if (uuid) return uuid;
  }
  return createHash("md5").update(token).digest("hex");
}
