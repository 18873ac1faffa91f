import { describe, expect, it } from "vitest";
import { makeAttemptTokens } from "../../src/http/attempt-tokens.ts";
import { makeRedactor } from "../../src/telemetry/redact.ts";

const ROOT = "the-system-root-token";
const ATTEMPT = { containerId: "zzzzz-dz642-000000000000001", number: 3 };
const { tokenOf, attemptOf } = makeAttemptTokens(ROOT);
const token = tokenOf(ATTEMPT);

describe("the token of an attempt", () => {
  it("tells whose it is, and is the same after a restart", () => {
    expect(attemptOf(token)).toEqual(ATTEMPT);
    expect(makeAttemptTokens(ROOT).tokenOf(ATTEMPT)).toBe(token);
    expect(token).toMatch(/^v2\/zzzzz-dz642-000000000000001-3\/[0-9a-f]{64}$/);
    expect(token).not.toContain(ROOT);
  });

  it("is another for each container, attempt and root token", () => {
    const others = [
      tokenOf({ ...ATTEMPT, number: 4 }),
      tokenOf({ ...ATTEMPT, containerId: "zzzzz-dz642-000000000000002" }),
      makeAttemptTokens("another-root-token").tokenOf(ATTEMPT),
    ];
    const secretOf = (text: string) => text.split("/")[2];
    expect(new Set([token, ...others].map(secretOf)).size).toBe(4);
  });

  it.each([
    ["nothing", ""],
    ["the root token", ROOT],
    ["a secret cut off", token.slice(0, -1)],
    ["a secret with more behind it", `${token}0`],
    ["a line behind it", `${token}\n`],
    ["another secret", token.replace(/.$/, (last) => (last === "0" ? "1" : "0"))],
    ["another attempt", token.replace("-3/", "-4/")],
    ["the attempt written otherwise", token.replace("-3/", "-03/")],
    ["an attempt that is no integer", token.replace("-3/", "-3.0/")],
    ["another container", token.replace("1-3/", "2-3/")],
    ["upper case", token.toUpperCase()],
    ["another root token's", makeAttemptTokens("another-root-token").tokenOf(ATTEMPT)],
  ])("is not %s", (_what, text) => {
    expect(attemptOf(text)).toBeUndefined();
  });

  it("is nobody's where there is no root token: anybody could derive it", () => {
    const none = makeAttemptTokens("");
    expect(none.attemptOf(none.tokenOf(ATTEMPT))).toBeUndefined();
  });

  it("is taken out of every text, also by who does not know it", () => {
    const redact = makeRedactor([]);
    const [, , secret = ""] = token.split("/");
    const texts = [
      `GET containers: refused ${token}, once more`,
      JSON.stringify({ Env: { ARVADOS_API_TOKEN: token } }),
      `api_token=${encodeURIComponent(token)}&x`,
      `Authorization: Bearer ${token}`,
    ];
    for (const text of texts) {
      expect(redact(text)).toContain("[redacted]");
      expect(redact(text)).not.toContain(secret);
    }
  });
});
