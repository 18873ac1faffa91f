import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { textOrFile } from "../../src/config/file-value.ts";

const folder = mkdtempSync(join(tmpdir(), "file-value-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a value that may name a file", () => {
  it("is itself, or the contents of the file", () => {
    writeFileSync(join(folder, "key.pem"), "PEM\n");
    expect(textOrFile("-----BEGIN")).toBe("-----BEGIN");
    expect(textOrFile(`file://${folder}/key.pem`)).toBe("PEM\n");
  });

  it("is refused with its path when there is no such file, or the path is relative", () => {
    expect(() => textOrFile(`file://${folder}/none`)).toThrow(`${folder}/none`);
    expect(() => textOrFile("file://key.pem")).toThrow("expected file:///absolute/path");
  });
});
