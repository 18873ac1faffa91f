import { ChildProcess } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import { CONTAINERS_COUNT, copyJournal, writeSampleJournal } from "./sample-journal.ts";
import { makeTempDir, runCli } from "./test-io.ts";

const CONFIG = join(import.meta.dirname, "../../config/standalone.yml");
const GENERATE = [
  "--generate",
  "per_hour=20",
  "--generate",
  "for=30m",
  "--generate",
  "duration=1m",
];
const IDLE = "Containers.CloudVMs.TimeoutIdle";

/** Its time stands still: no progress is told. */
const QUIET = { nowMs: () => 0 };

async function rowsOf(args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { exitCode, stdout, stderr } = await runCli(["simulate", ...args, "--json"], QUIET);
  expect([exitCode, stderr]).toEqual([0, ""]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function fileWith(text: string, name = "workload.yml"): string {
  const path = join(makeTempDir(), name);
  writeFileSync(path, text);
  return path;
}

describe("simulate", () => {
  it("puts variants side by side, the same for the same seed", { timeout: 60_000 }, async () => {
    const args = [...GENERATE, "--config", CONFIG, "--set", `${IDLE}=1s`, "--set", `${IDLE}=5m`];
    const [base, short, long] = await rowsOf(args);
    expect([base?.name, short?.name, long?.name]).toEqual([
      "standalone.yml",
      "TimeoutIdle=1s",
      "TimeoutIdle=5m",
    ]);
    expect(Number(long?.vm_hours)).toBeGreaterThan(Number(short?.vm_hours));
    expect(Number(long?.boots)).toBeLessThan(Number(short?.boots));
    expect(await rowsOf(args)).toEqual([base, short, long]);
    const { stdout } = await runCli(["simulate", ...GENERATE, "--config", CONFIG]);
    for (const title of [
      "cost",
      "VM-hours",
      "utilisation",
      "waiting p50",
      "waiting p95",
      "waiting max",
    ])
      expect(stdout).toContain(title);
    for (const title of ["boots", "boot failures", "create failures", "quota hits"])
      expect(stdout).toContain(title);
  });

  it("reads a workload file, and tells what became of what can never run", async () => {
    const path = fileWith(
      "boot_time: 10s\ncontainers:\n  - {count: 3, duration: 1m}\n  - {duration: 1m, vcpus: 5000}\n",
    );
    const [row] = await rowsOf([path, "--config", CONFIG]);
    expect(row).toMatchObject({ containers: 4, complete: 3, cancelled: 1, drained: true });
  });

  it("writes a report that asks nobody for anything", async () => {
    const html = join(makeTempDir(), "report.html");
    const { exitCode } = await runCli([
      "simulate",
      ...GENERATE,
      "--config",
      CONFIG,
      "--html",
      html,
    ]);
    const text = readFileSync(html, "utf8");
    expect(exitCode).toBe(0);
    expect(text.match(/<svg viewBox/g)).toHaveLength(3);
    expect(text).not.toMatch(/https?:|src=|href=|<script|@import|url\(/);
  });

  it("calls no cloud and starts no process", async () => {
    const connects = vi.spyOn(Socket.prototype, "connect");
    const spawns = vi.spyOn(ChildProcess.prototype as unknown as { spawn(): void }, "spawn");
    await rowsOf([...GENERATE, "--config", CONFIG]);
    expect([connects.mock.calls.length, spawns.mock.calls.length]).toEqual([0, 0]);
    vi.restoreAllMocks();
  });

  it("tells now and then how far a long run is", async () => {
    let nowMs = 0;
    const many = [
      "--generate",
      "per_hour=60",
      "--generate",
      "for=30m",
      "--generate",
      "duration=1m",
    ];
    const { stderr } = await runCli(["simulate", ...many, "--config", CONFIG], {
      nowMs: () => (nowMs += 1_000),
    });
    expect(stderr).toMatch(/^standalone\.yml: \S+ simulated, \d+ of \d+ containers ended$/m);
  });
});

describe("simulate --from", () => {
  let path = "";
  const dir = mkdtempSync(join(tmpdir(), "simulate-"));

  beforeAll(async () => {
    path = await writeSampleJournal(dir);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it("decides as recorded where nothing is changed, and simulates much the same", async () => {
    const [recorded, simulated] = await rowsOf(["--from", path]);
    expect(recorded).toMatchObject({ name: "recorded", containers: CONTAINERS_COUNT });
    expect(simulated).toMatchObject({
      how: "simulated",
      containers: CONTAINERS_COUNT,
      complete: CONTAINERS_COUNT,
      cancelled: 0,
    });
    const ratio = Number(simulated?.cost) / Number(recorded?.cost);
    expect(ratio).toBeGreaterThan(0.7);
    expect(ratio).toBeLessThan(1.4);
  });

  it("says where this version decides otherwise than recorded", async () => {
    const forged = join(makeTempDir(), "journal.db");
    await copyJournal(path, forged, (record) => ({
      ...record,
      decisions: record.decisions.filter((decision) => decision.do !== "create"),
    }));
    const { stderr } = await runCli(["simulate", "--from", forged]);
    expect(stderr).toMatch(/at seq \d+ this version decides otherwise/);
  });

  it("compares what is set with what was recorded, not with the defaults", async () => {
    const set = ["--set", `${IDLE}=1m`, "--set", `${IDLE}=30m`];
    const [, , minute, long] = await rowsOf(["--from", path, ...set]);
    expect(Number(long?.cost)).toBeGreaterThan(2 * Number(minute?.cost));
  });

  it("reads a journal whose beginning was pruned from its first checkpoint on", async () => {
    const pruned = join(makeTempDir(), "journal.db");
    copyFileSync(path, pruned);
    const { exitCode } = await runCli(["journal", "prune", "--max-age", "0", pruned]);
    const [recorded] = await rowsOf(["--from", pruned]);
    expect([exitCode, recorded?.name]).toEqual([0, "recorded"]);
  });

  it("refuses what is damaged, empty or not there, and names it", async () => {
    const empty = join(makeTempDir(), "journal.db");
    await openJournal({ path: empty, mode: "write", nowMs: () => 0, ballastBytes: 0 }).close();
    const none = fileWith("hello", "no.db");
    const damaged = join(makeTempDir(), "journal.db");
    const text = readFileSync(path);
    for (let at = text.indexOf("lease.acquired"); at >= 0; at = text.indexOf("lease.acquired"))
      text[at] = 0x5f;
    writeFileSync(damaged, text);
    for (const [file, words] of [
      [empty, /holds no configuration/],
      [none, /is no journal/],
      ["/nowhere/j.db", /no journal at \/nowhere\/j.db/],
      [damaged, /is not what was written/],
    ] as const) {
      const { exitCode, stdout, stderr } = await runCli(["simulate", "--from", file]);
      expect([exitCode, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(words);
      expect(stderr).toContain(file);
    }
  });
});

describe("simulate, given what is wrong", () => {
  it.each([
    ["containers:\n  - {count: 3, duration: 1m\n", /found text that is no YAML/],
    ["", /input: found null, expected an object/],
    ["[]", /input: found \[\], expected an object/],
    [
      "containers: [{duration: 1m, colour: red}]",
      /containers\[0\]\.colour: found "red", expected no such key/,
    ],
    [
      "containers: [{duration: 1m, count: -3}]",
      /containers\[0\]\.count: found -3, expected at least 1/,
    ],
    ["containers: [{duration: -1m}]", /containers\[0\]\.duration: found "-1m", expected 0 or more/],
    [
      "containers: [{duration: 1m, count: 3e9}]",
      /count: found 3000000000, expected at most 1000000/,
    ],
    ["containers: [{duration: 99999999999999h}]", /expected a duration below 292 years/],
    ["{}", /expected containers, or generate/],
  ])("a workload of %j: names path, found and expected", async (text, words) => {
    const path = fileWith(text);
    const { exitCode, stdout, stderr } = await runCli(["simulate", path, "--config", CONFIG]);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(words);
    expect(stderr).toContain(path);
  });

  it.each([
    [["--generate", "x=1"], /generate\.x: found 1, expected no such key/],
    [
      ["--generate", "per_hour=-3", "--generate", "duration=1m"],
      /per_hour: found -3, expected more than 0/,
    ],
    [
      ["--generate", "per_hour=3"],
      /generate\.duration: found nothing, expected a duration such as 5m/,
    ],
    [["--generate", "per_hour=1e9", "--generate", "duration=1m"], /per_hour: found 1000000000/],
    [["--generate", "per_hour"], /expected KEY=VALUE/],
    [[...GENERATE, "--set", "foo"], /--set: found "foo", expected PATH=VALUE/],
    [[...GENERATE, "--set", `${IDLE}=-5m`], /--set \S+TimeoutIdle: found -5m, expected 0 or more/],
    [[...GENERATE, "--set", `${IDLE}l=5m`], /unknown config entry: \S+TimeoutIdlel/],
    [[...GENERATE, "--set", `${IDLE}=abc`], /TimeoutIdle: cannot unmarshal string "abc"/],
    [[...GENERATE, "--html", "/nowhere/x.html"], /cannot write \/nowhere\/x.html/],
    [[...GENERATE, "--seed", "x"], /--seed: found x/],
    [["/nowhere/w.yml"], /cannot read \/nowhere\/w.yml/],
    [[], /expected one of WORKLOAD, --generate and --from/],
  ])("%j: wrong usage", async (args, words) => {
    const { exitCode, stdout, stderr } = await runCli(["simulate", ...args, "--config", CONFIG]);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(words);
  });
});
