import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const PAGE_DIR = fileURLToPath(new URL("../../../dist/http/visualizer/", import.meta.url));
const FIRST_LOAD_MAX = 150_000;

describe("the built page", () => {
  const html = readFileSync(`${PAGE_DIR}index.html`, "utf8");

  it("loads less than 150 kB, compressed, before it shows something", () => {
    const files = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name]) => name ?? "");
    expect(files.length).toBeGreaterThanOrEqual(3);
    const bytes = files.map((name) => gzipSync(readFileSync(`${PAGE_DIR}${name}`)).length);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(FIRST_LOAD_MAX);
  });

  it("has no script, style or address of its own that a content-security-policy would refuse", () => {
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=|https?:/);
  });
});
