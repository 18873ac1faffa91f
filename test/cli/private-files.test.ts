import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makePrivate } from "../../src/cli/daemon/private-files.ts";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "private-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const modeOf = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8);

it("narrows what is there with wider rights, and nothing else", () => {
  chmodSync(folder, 0o755);
  const names = [
    "journal.db",
    "journal.db-wal",
    "journal.db.ballast",
    "journal.witness.json",
    "queue.db-shm",
  ];
  for (const name of [...names, "notes.txt"])
    writeFileSync(join(folder, name), "", { mode: 0o644 });
  chmodSync(join(folder, "queue.db-shm"), 0o400);
  symlinkSync(join(folder, "notes.txt"), join(folder, "queue.db"));
  const warnings: string[] = [];
  makePrivate(folder, (path, reason) => warnings.push(`${path}: ${reason}`));
  expect(warnings).toEqual([]);
  expect(modeOf(".")).toBe("700");
  expect(names.map(modeOf)).toEqual(["600", "600", "600", "600", "400"]);
  expect(modeOf("notes.txt")).toBe("644");
});

it("is told where that cannot be, and stops nothing", () => {
  const warnings: string[] = [];
  // Nobody may change the rights of a folder of the system about a process.
  makePrivate(`/proc/${process.pid}`, (path, reason) => warnings.push(`${path}: ${reason}`));
  expect(warnings).toEqual([expect.stringMatching(/^\/proc\/\d+: E[A-Z]+: /)]);
});

it("a journal is made with rights for its owner alone, whatever the umask is", async () => {
  const before = process.umask(0);
  try {
    const path = join(folder, "journal.db");
    const journal = openJournal({ path, mode: "write", nowMs: () => 0, ballastBytes: 8_192 });
    const names = ["", "-wal", "-shm", ".lock", ".lock.holder", ".ballast"];
    expect(names.map((end) => modeOf(`journal.db${end}`))).toEqual(names.map(() => "600"));
    await journal.close();
    expect(modeOf("journal.witness.json")).toBe("600");
  } finally {
    process.umask(before);
  }
});
