import { describe, expect, it } from "vitest";
import { reasonIn } from "../../../../src/drivers/cloud/loopback/log-reason.ts";

const FRAMES = Array.from(
  { length: 12 },
  (_, index) => `    at Module._load (node:internal/modules/cjs/loader:${1000 + index}:27)`,
).join("\n");

describe("why a process of Node ended", () => {
  it.each(["v20.20.2", "v22.23.3", "v24.21.0"])("is the error's message, on %s", (version) => {
    const log = `node:internal/modules/cjs/loader:1228
  throw err;
  ^

Error: Cannot find module '/nowhere/instance.js'
${FRAMES} {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js ${version}
`;
    expect(reasonIn(log)).toBe("Error: Cannot find module '/nowhere/instance.js'");
  });

  it("is the whole of a message of two lines", () => {
    expect(reasonIn(`TypeError [ERR_X]: no such thing\nnor another\n${FRAMES}\n`)).toBe(
      "TypeError [ERR_X]: no such thing\nnor another",
    );
  });

  it("is the last error's, where more than one is told", () => {
    expect(reasonIn(`Error: first\n${FRAMES}\nUncaught RangeError: second\n${FRAMES}`)).toBe(
      "Uncaught RangeError: second",
    );
  });

  it("is what was said last, where no error is named", () => {
    expect(reasonIn("init command: exit status 0\nlisten EADDRINUSE 127.0.0.1:1\n")).toBe(
      "init command: exit status 0\nlisten EADDRINUSE 127.0.0.1:1",
    );
    expect(reasonIn("")).toBe("");
    expect(reasonIn("x".repeat(10_000))).toHaveLength(400);
  });
});
