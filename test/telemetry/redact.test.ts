import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutText } from "../../src/telemetry/cut-text.ts";
import { makeRedactor, redactJson } from "../../src/telemetry/redact.ts";

const TOKEN = 'n0t+for "your"\\eyes/äß';
const PEM = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDKx0gSt0xdJ8ll0vSm8Kq2ZkDtP3nJhHcVdHw3o4eJmQAAAJgVnq9/FZ6v
-----END OPENSSH PRIVATE KEY-----
`;

describe("a known secret", () => {
  const redact = makeRedactor([TOKEN, PEM, "abc"]);
  const basic = Buffer.from(`:${TOKEN}`).toString("base64");

  it.each([
    ["as it is", TOKEN],
    ["in JSON", JSON.stringify({ a: TOKEN })],
    ["in JSON within JSON", JSON.stringify({ a: JSON.stringify({ b: TOKEN }) })],
    ["in a URL", `https://h/x?q=${encodeURIComponent(TOKEN)}&y=1`],
    ["in a form", new URLSearchParams({ q: TOKEN }).toString()],
    ["in base64", Buffer.from(TOKEN).toString("base64")],
    ["in base64url", Buffer.from(TOKEN).toString("base64url")],
    ["in hex", Buffer.from(TOKEN).toString("hex")],
    ["in a Basic header", `Authorization: Basic ${basic}`],
    ["as one line of a key", `line 2 is ${PEM.split("\n")[2] ?? ""}!`],
    ["as a whole key", `key:\n${PEM}after`],
  ])("is taken out %s", (_, text) => {
    const clean = redact(text);
    expect(clean).toContain("[redacted]");
    for (const part of [TOKEN, "n0t", "bjB0", basic, "ACDKx0gSt0xd", "b3BlbnNzaC1r"]) {
      expect(clean).not.toContain(part);
    }
  });

  it("leaves the text around it alone", () => {
    expect(redact(`a ${TOKEN} b`)).toBe("a [redacted] b");
    expect(redact(`key:\n${PEM}after`)).toBe("key:\n[redacted]\nafter");
    expect(redact("abc is too short to be a secret")).toBe("abc is too short to be a secret");
  });

  it("is never left in a JSON line, which stays JSON", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 4, maxLength: 12 }).filter((s) => s.trim().length >= 4),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          // What the mark itself or the frame spells is no leak.
          fc.pre(!'{"m":"[redacted]"}\n'.includes(secret.trim()));
          const line = `${JSON.stringify({ m: before + secret + after })}\n`;
          const clean = redactJson(line, makeRedactor([secret]));
          const { m } = JSON.parse(clean) as { m: string };
          expect(m).toContain("[redacted]");
          expect(m.replaceAll("[redacted]", "\u0000")).not.toContain(secret.trim());
        },
      ),
      { numRuns: 300 },
    );
  });

  it("that begins like the rest of an escape does not break the line", () => {
    const line = JSON.stringify({ m: "one\nnext" });
    expect(JSON.parse(redactJson(line, makeRedactor(["next"])))).toEqual({ m: "one\n[redacted]" });
    expect(redactJson('{"n":12345678}', makeRedactor(["12345678"]))).toBe('{"n":"[redacted]"}');
  });
});

describe("what looks like a secret", () => {
  const redact = makeRedactor([]);

  it.each([
    ["Authorization: Bearer abcdefgh12345", "Authorization: Bearer [redacted]"],
    ["oauth2 abcdefgh12345;", "oauth2 [redacted];"],
    [
      "token v2/zzzzz-gj3su-077z32aux8dg2s1/s3cr3t/zzzzz-dz642-x, next",
      "token v2/zzzzz-gj3su-077z32aux8dg2s1/[redacted], next",
    ],
    ["?x=1&api_token=v2%2Fzzzzz-gj3su-1%2Fs3cr3t&y", "?x=1&api_token=[redacted]&y"],
    ['{"t":"v2/zzzzz-gj3su-1/s3cr3t"}', '{"t":"v2/zzzzz-gj3su-1/[redacted]"}'],
    ["host=db password=hunter22 port=1", "host=db password=[redacted] port=1"],
    [JSON.stringify({ k: PEM.slice(0, 90) }), '{"k":"[redacted]"}'],
    ["-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY----- and", "[redacted] and"],
  ])("%j becomes %j", (text, clean) => {
    expect(redact(text)).toBe(clean);
  });

  it.each([
    "https://registry.example/v2/library/image",
    "bearer of bad news",
    "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----",
    "container zzzzz-dz642-000000000000001 started",
  ])("%j is not changed", (text) => {
    expect(redact(text)).toBe(text);
  });
});

describe("a long text", () => {
  it("is cut on a character boundary, with a mark, within its limit", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "ä", "€", "😀") }),
        fc.nat(60),
        (text, max) => {
          const cut = cutText(text, max);
          expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
          if (Buffer.byteLength(text) <= max) expect(cut).toBe(text);
          else expect(text.startsWith(cut.replace("… [cut]", ""))).toBe(true);
        },
      ),
    );
    expect(cutText("äöü".repeat(10), 20)).toBe("äöüäö… [cut]");
  });
});
