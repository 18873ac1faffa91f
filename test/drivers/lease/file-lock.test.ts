import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lockHolder, tryLock } from "../../../src/drivers/lease/file-lock.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-"));
  path = join(folder, "x.lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("is had by one at a time, who is named, and again once given back", async () => {
  const first = tryLock(path);
  expect(first).toBeDefined();
  expect(lockHolder(path)).toContain(`pid ${process.pid}`);
  expect(tryLock(path)).toBeUndefined();
  first?.release();
  first?.release();
  expect(lockHolder(path)).toBe("an unknown process");
  const second = tryLock(path);
  expect(second).toBeDefined();
  second?.release();
  expect(await readdir(folder)).toEqual(["x.lock"]);
});

it("says what to do where the file is something else, or its folder is missing", async () => {
  await writeFile(
    path,
    "not a database, but long enough to be read as the header of one, or nearly so\n",
  );
  expect(() => tryLock(path)).toThrow(/cannot lock .*x\.lock.*move it/);
  expect(() => tryLock(join(folder, "none", "x.lock"))).toThrow(/does its folder exist/);
});
