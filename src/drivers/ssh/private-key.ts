import { createPrivateKey, type JsonWebKey } from "node:crypto";

const PKCS8 = /^\s*-----BEGIN PRIVATE KEY-----/;
const KEY_TYPE = "ssh-ed25519";
/** OpenSSH fills up to the block size of its cipher; for none that is 8. */
const BLOCK_BYTES = 8;

/**
 * A private key in a form that ssh2 reads, which knows OpenSSH's and the older PEM forms, but not PKCS8. What is no PKCS8
 * comes back as it is. Throws where it is damaged, or of a kind that SSH has no use for.
 */
export function withoutPkcs8(privateKey: string): string {
  if (!PKCS8.test(privateKey)) return privateKey;
  const key = createPrivateKey(privateKey);
  switch (key.asymmetricKeyType) {
    case "rsa":
      return key.export({ type: "pkcs1", format: "pem" }) as string;
    case "ec":
      return key.export({ type: "sec1", format: "pem" }) as string;
    case "ed25519":
      return openSshPem(key.export({ format: "jwk" }));
    default:
      throw new Error(`a key of type ${key.asymmetricKeyType}; use RSA, ECDSA or Ed25519`);
  }
}

/** Ed25519 has no older form: this is the file format of OpenSSH (its PROTOCOL.key). */
function openSshPem({ x = "", d = "" }: JsonWebKey): string {
  const open = Buffer.from(x, "base64url");
  const both = Buffer.concat([Buffer.from(d, "base64url"), open]);
  const secret = Buffer.concat([
    // Two equal numbers show that deciphering worked; nothing is enciphered here.
    Buffer.alloc(8),
    ...[KEY_TYPE, open, both, ""].map(lengthAndBytes),
  ]);
  const padding = Buffer.from(
    Array.from({ length: -secret.length & (BLOCK_BYTES - 1) }, (_, index) => index + 1),
  );
  const blob = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...["none", "none", ""].map(lengthAndBytes),
    uint32(1),
    lengthAndBytes(Buffer.concat([KEY_TYPE, open].map(lengthAndBytes))),
    lengthAndBytes(Buffer.concat([secret, padding])),
  ]);
  const lines = blob.toString("base64").replace(/.{70}/g, "$&\n");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function lengthAndBytes(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
