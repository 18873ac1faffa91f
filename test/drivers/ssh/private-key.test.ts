import { generateKeyPairSync, type KeyObject } from "node:crypto";
import ssh2 from "ssh2";
import { describe, expect, it } from "vitest";
import { makeKeyPair } from "../../../src/drivers/ssh/key-pair.ts";
import { withoutPkcs8 } from "../../../src/drivers/ssh/private-key.ts";

const KINDS: [string, string, () => KeyObject][] = [
  ["RSA", "ssh-rsa", () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey],
  ["P-256", "ecdsa-sha2-nistp256", () => ecKey("P-256")],
  ["P-521", "ecdsa-sha2-nistp521", () => ecKey("P-521")],
  ["Ed25519", "ssh-ed25519", () => generateKeyPairSync("ed25519").privateKey],
];

function ecKey(namedCurve: string): KeyObject {
  return generateKeyPairSync("ec", { namedCurve }).privateKey;
}

describe("a private key in PKCS8", () => {
  it.each(KINDS)("of kind %s is read, and signs", (_kind, type, make) => {
    const pem = make().export({ type: "pkcs8", format: "pem" }) as string;
    const parsed = ssh2.utils.parseKey(withoutPkcs8(pem));
    if (parsed instanceof Error) throw parsed;
    expect(parsed.type).toBe(type);
    const data = Buffer.from("something to sign");
    expect(parsed.verify(data, parsed.sign(data))).toBe(true);
  });

  it("is refused where SSH has no use for it, or it is damaged", () => {
    const { privateKey } = generateKeyPairSync("x25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    expect(() => withoutPkcs8(pem)).toThrow("type x25519; use RSA, ECDSA or Ed25519");
    expect(() => withoutPkcs8(pem.replace(/\n.*\n/, "\nAAAA\n"))).toThrow();
  });
});

it("leaves other forms as they are", () => {
  const { private: key } = makeKeyPair();
  expect(withoutPkcs8(key)).toBe(key);
  expect(withoutPkcs8("nonsense")).toBe("nonsense");
});
