import ssh2, { type ParsedKey } from "ssh2";
import { describe, expect, it } from "vitest";
import { makeKeyPair } from "../../../src/drivers/ssh/key-pair.ts";

function parsed(key: string): ParsedKey {
  const result = ssh2.utils.parseKey(key);
  if (result instanceof Error) throw result;
  return result;
}

describe("a key pair", () => {
  it("can be read again, and its halves belong together", () => {
    const data = Buffer.from("something to sign");
    // One in 256 of those that ssh2 makes is unreadable: 2,000 leave that a chance of 0.04% to go unseen.
    for (let round = 0; round < 2_000; round++) {
      const pair = makeKeyPair();
      const own = parsed(pair.private);
      const open = parsed(pair.public);
      expect(open.getPublicSSH().equals(own.getPublicSSH())).toBe(true);
      // Signing takes longer than making the key.
      if (round % 50 === 0) expect(open.verify(data, own.sign(data))).toBe(true);
    }
  });

  it("carries its comment", () => {
    expect(parsed(makeKeyPair("me").public).comment).toBe("me");
  });
});
