import { createHash } from "node:crypto";

/** `SHA256:…`, as ssh-keygen and ssh show it. */
export function fingerprintOf(key: Buffer): string {
  const digest = createHash("sha256").update(key).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** How a host's key may stand in the config: its fingerprint, or a public key as one line of OpenSSH. */
export function isHostKey(text: string): boolean {
  return expectedFingerprint(text) !== undefined;
}

/** Whether `key` (OpenSSH wire format) is the one that the config names. */
export function matchesHostKey(text: string, key: Buffer): boolean {
  return expectedFingerprint(text) === fingerprintOf(key);
}

function expectedFingerprint(text: string): string | undefined {
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) return text;
  const [, algorithm = "", base64 = ""] = /^(\S+) ([A-Za-z0-9+/]+={0,2})( .*)?$/.exec(text) ?? [];
  const key = Buffer.from(base64, "base64");
  // The key itself begins with the length and the name of its algorithm.
  const named = key.length > 4 ? key.subarray(4, 4 + key.readUInt32BE(0)).toString() : "";
  return algorithm !== "" && named === algorithm ? fingerprintOf(key) : undefined;
}
