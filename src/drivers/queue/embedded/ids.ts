import { createHash, randomBytes } from "node:crypto";
import { QueueStoreError } from "./port.ts";

/** `zzzzz-dz642-xxxxxxxxxxxxxxx`: a uuid as Arvados makes it, of a type by its infix. */
export function randomUuid(clusterId: string, infix: "dz642" | "xvhdp"): string {
  return `${clusterId}-${infix}-${base36(randomBytes(16).toString("hex"))}`;
}

/** The uuid of a token. One in the form `v2/<uuid>/<secret>` names its own, which is no secret. */
export function authIdOf(clusterId: string, token: string): string {
  const own = /^v2\/([a-z0-9]{5}-gj3su-[a-z0-9]{15})\//.exec(token)?.[1];
  if (own !== undefined) return own;
  const digest = createHash("sha256").update(`api client authorization ${token}`).digest("hex");
  return `${clusterId}-gj3su-${base36(digest)}`;
}

function base36(hex: string): string {
  return BigInt(`0x${hex}`).toString(36).padStart(15, "0").slice(-15);
}

export function notFound(uuid: string): QueueStoreError {
  return new QueueStoreError(404, [`Object not found: ${JSON.stringify(uuid)}`]);
}
