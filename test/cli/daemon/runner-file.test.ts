import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import { makeRunnerFile } from "../../../src/cli/daemon/runner-file.ts";

const dir = mkdtempSync(join(tmpdir(), "runner-file-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const md5 = (content: Buffer): string => createHash("md5").update(content).digest("hex");

const small = Buffer.from("#!/bin/sh\n");
const large = Buffer.alloc(3_000_000, "crunch-run");

it("deploys none for an empty name", () => {
  expect(makeRunnerFile("")).toBeUndefined();
});

it.each([
  ["small", small, false],
  ["large", large, true],
])("reads a %s file as it is", async (name, content, isPacked) => {
  const path = join(dir, name);
  writeFileSync(path, content);
  const runner = await makeRunnerFile(path)?.load();
  expect(runner?.md5).toBe(md5(content));
  expect((await runner?.content())?.equals(content)).toBe(true);
  const packed = await runner?.gzipped?.();
  expect(packed !== undefined).toBe(isPacked);
  if (packed) expect(gunzipSync(packed).equals(content)).toBe(true);
});

it("takes the built executable from its gzipped file, by the sum of what is in it", async () => {
  const builtinPath = join(dir, "crunch-run.gz");
  const packed = gzipSync(large);
  writeFileSync(builtinPath, packed);
  const file = makeRunnerFile("builtin", { builtinPath });
  const runner = await file?.load();
  // Built anew meanwhile: what was read counts, until the next start.
  writeFileSync(builtinPath, gzipSync(small));
  expect((await file?.load())?.md5).toBe(md5(large));
  expect((await runner?.gzipped?.())?.equals(packed)).toBe(true);
  expect((await runner?.content())?.equals(large)).toBe(true);
});

it("says what it could not read, and tries again", async () => {
  const builtinPath = join(dir, "later.gz");
  const file = makeRunnerFile("builtin", { builtinPath });
  await expect(file?.load()).rejects.toThrow(/^error loading runner binary: ENOENT.*later\.gz/);
  writeFileSync(builtinPath, "no gzip");
  await expect(file?.load()).rejects.toThrow(/^error loading runner binary: incorrect header/);
  writeFileSync(builtinPath, gzipSync(small));
  expect((await file?.load())?.md5).toBe(md5(small));
});
