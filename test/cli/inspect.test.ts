import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/program.ts";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import type { StateAnswer } from "../../src/http/wire/state.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import { makeTempDir, runCli, testIo } from "./test-io.ts";
import { writeSampleJournal } from "./sample-journal.ts";

let dir = "";
let sample = "";

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "inspect-"));
  sample = await writeSampleJournal(dir);
});
afterAll(() => rmSync(dir, { recursive: true }));

/** The command, from when it has said where it is until it is interrupted. */
async function inspecting(
  journal: string,
  look: (page: {
    url: string;
    stdout: string;
    ask: (path: string, init?: RequestInit) => Promise<Response>;
  }) => Promise<void>,
): Promise<{ exitCode: number; stderr: string }> {
  const interrupted = new AbortController();
  const { io, stdout, stderr } = testIo({ interrupted: interrupted.signal });
  let ready = (): void => {};
  const isUp = new Promise<void>((resolve) => (ready = resolve));
  const out = (text: string | Uint8Array): void => {
    io.out(text);
    ready();
  };
  const ended = runProgram(["inspect", journal], { ...io, out });
  await Promise.race([isUp, ended]);
  try {
    const [url = ""] = stdout().split("\n");
    const token = /^token +(\S+)$/m.exec(stdout())?.[1] ?? "";
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`${url}dispatch/v1/${path}`, {
        ...init,
        headers: { Authorization: `Bearer ${token}` },
      });
    await look({ url, stdout: stdout(), ask });
  } finally {
    interrupted.abort("SIGINT");
  }
  return { exitCode: await ended, stderr: stderr() };
}

describe("inspect", () => {
  it("serves a journal's past with the token that it prints, changes nothing, and ends with exit 0", async () => {
    const outcome = await inspecting(dir, async ({ url, stdout, ask }) => {
      expect(stdout).toContain(`journal  ${sample}: records 1 to `);
      const state = (await (await ask("state")).json()) as StateAnswer;
      expect(state).toMatchObject({ live: false, read_only: true, seq: state.bounds.last_seq });
      expect(await (await ask("state?at=40")).json()).toMatchObject({ seq: 40 });
      expect((await ask("explain/supervisor")).status).toBe(404);
      const refused = await ask("containers/x/cancel", { method: "POST" });
      expect([refused.status, await refused.json()]).toMatchObject([
        403,
        { type: "urn:dispatch-cloud:problem:read-only" },
      ]);
      expect((await fetch(`${url}dispatch/v1/state`)).status).toBe(401);
      expect((await fetch(`${url}metrics`)).status).toBe(404);
    });
    expect(outcome).toEqual({ exitCode: 0, stderr: "" });
  });

  it("follows a journal that a dispatcher is writing", async () => {
    const path = join(makeTempDir(), "journal.db");
    const options = { path, nowMs: () => 0, ballastBytes: 0 };
    const source = openJournal({ ...options, path: sample, mode: "read" });
    const writer = openJournal({ ...options, mode: "write" });
    const records = [...source.read()].map(
      (record) =>
        JSON.parse(JSON.stringify(record).replaceAll(source.id, writer.id)) as JournalRecord,
    );
    await source.close();
    await writer.append(records.slice(0, 50));
    const outcome = await inspecting(path, async ({ ask }) => {
      const events = (await ask("events?after=50")).body?.pipeThrough(new TextDecoderStream());
      await writer.append(records.slice(50, 60));
      let text = "";
      for await (const piece of events ?? []) {
        text += piece;
        if (text.includes("id: 60\n")) break;
      }
      expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual([
        51, 52, 53, 54, 55, 56, 57, 58, 59, 60,
      ]);
      expect(await (await ask("state")).json()).toMatchObject({ seq: 60 });
    });
    expect(outcome).toEqual({ exitCode: 0, stderr: "" });
    await writer.close();
  });

  it("says what is wrong with what is no journal, is damaged, or is no address", async () => {
    const folder = makeTempDir();
    const foreign = join(folder, "foreign.db");
    writeFileSync(foreign, "not a database at all, but longer than nothing".repeat(100));
    const cut = join(folder, "cut.db");
    copyFileSync(sample, cut);
    writeFileSync(cut, Buffer.alloc(4096), { flag: "r+" });
    for (const path of [join(folder, "none.db"), foreign, cut]) {
      const { exitCode, stderr, stdout } = await runCli(["inspect", path]);
      expect([path, exitCode, stdout]).toEqual([path, 1, ""]);
      expect(stderr).toContain(path);
    }
    const usage = await runCli(["inspect", "--listen", "here", sample]);
    expect(usage.exitCode).toBe(2);
    expect(usage.stderr).toContain("expected HOST:PORT");
    const elsewhere = await runCli(["inspect", "--listen", "192.0.2.1:80", sample]);
    expect([elsewhere.exitCode, elsewhere.stderr]).toEqual([
      1,
      "dispatch-cloud: cannot listen on 192.0.2.1:80: it is no address of this machine\n",
    ]);
  });
});
