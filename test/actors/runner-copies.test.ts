import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { installCommand } from "../../src/actors/crunch-run-commands.ts";
import type { RunnerProgress } from "../../src/actors/runner-binary.ts";
import { SshError } from "../../src/drivers/ssh/port.ts";
import type { WorkerContext } from "../../src/machines/worker/worker.types.ts";
import { FactSink } from "../support/fact-sink.ts";
import { type Answer, largeBinary, ScriptedSsh } from "../support/scripted-ssh.ts";

function workerOn(instanceId: string): WorkerContext {
  const sink = new FactSink();
  const worker = sink.known.get("worker", sink.booting(instanceId));
  if (!worker) throw new Error("no worker");
  return worker.context;
}

const missing = { exitCode: 1, stderr: "no such file" };

/** A worker without the runner, which answers the rest like this. */
function rig(answer: (command: string) => Answer | Promise<Answer>, remoteUser = "root") {
  const told: RunnerProgress[] = [];
  const ssh = new ScriptedSsh(
    (command) => (command.startsWith("md5sum") ? missing : answer(command)),
    {
      remoteUser,
      runnerBinary: largeBinary("the binary", "packed", "abc"),
      onRunnerProgress: (progress) => void told.push(progress),
      clean: (text) => text.replace("secret", "…"),
    },
  );
  return { ssh, told };
}

describe("a large runner", () => {
  it("is sent gzipped, with more time than other commands have", async () => {
    const { ssh, told } = rig(() => ({}));
    expect(await ssh.calls.deploy(workerOn("i-1"))).toEqual({ ok: true });
    const runnerCommand = "/var/run/arvados/crunch-run~abc";
    const install = { md5: "abc", isGzipped: true };
    expect(ssh.texts).toEqual([
      `md5sum ${runnerCommand}`,
      "command -v gzip",
      installCommand({ runnerCommand, remoteUser: "root" }, install),
    ]);
    expect(ssh.stdin).toBe("packed");
    expect(ssh.commands[2]?.timeoutMs).toBeGreaterThan(60_000);
    const common = { instanceId: "i-1", sentBytes: 0, totalBytes: 6, isGzipped: true, error: "" };
    expect(told).toEqual([
      { ...common, state: "begun" },
      { ...common, state: "copied" },
    ]);
  });

  it("is sent as it is where gzip is missing, by sudo where the login is not root", async () => {
    const { ssh, told } = rig((command) => (command.includes("-v gzip") ? missing : {}), "crunch");
    expect(await ssh.calls.deploy(workerOn("i-1"))).toEqual({ ok: true });
    expect(ssh.texts[1]).toBe("sudo sh -c 'command -v gzip'");
    expect(ssh.texts[2]).toMatch(/^sudo sh -c 'set -e; .*; cat >"\$tmp"; /);
    expect(ssh.stdin).toBe("the binary");
    expect(told.at(-1)).toMatchObject({ totalBytes: 10, isGzipped: false });
  });

  it("is not sent where it is already", async () => {
    const { ssh, told } = rig(() => ({}));
    ssh.answer = () => ({ stdout: "abc  /var/run/arvados/crunch-run~abc\n" });
    expect(await ssh.calls.deploy(workerOn("i-1"))).toEqual({ ok: true });
    expect([ssh.texts.length, told]).toEqual([1, []]);
  });

  it("that could not be sent is told of, and sent anew", async () => {
    const { ssh, told } = rig((command) =>
      command.startsWith("set -e") ? { exitCode: 1, stderr: "secret: disk full\n" } : {},
    );
    const error = "installing the runner binary: exit status 1: …: disk full";
    expect(await ssh.calls.deploy(workerOn("i-1"))).toEqual({ ok: false, error });
    expect(told.at(-1)).toMatchObject({ state: "failed", error: "exit status 1: …: disk full" });
    ssh.answer = (command) =>
      command.startsWith("set -e") ? new SshError("lost", "cut", { started: true }) : {};
    expect(await ssh.calls.deploy(workerOn("i-1"))).toEqual({ ok: false, error: "cut" });
    expect(told.at(-1)).toMatchObject({ state: "failed", error: "cut" });
    ssh.answer = () => ({});
    expect(await ssh.calls.deploy(workerOn("i-1"))).toEqual({ ok: true });
  });

  it("is sent once at a time to a worker, and to eight workers at once", async () => {
    const ends: (() => void)[] = [];
    const { ssh, told } = rig((command) =>
      command.startsWith("set -e") ? new Promise((resolve) => ends.push(() => resolve({}))) : {},
    );
    for (let i = 0; i < 12; i++)
      ssh.directory.set({
        instanceId: `i-${i}`,
        providerType: "providertype1",
        address: "10.0.0.1",
        remoteUser: "root",
        tags: {},
      });
    const workers = Array.from({ length: 12 }, (_, i) => workerOn(`i-${i}`));
    const all = [...workers, ...workers].map((worker) => ssh.calls.deploy(worker));
    const underWay = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return ends.length;
    };
    expect(await underWay()).toBe(8);
    for (const end of ends.splice(0, 3)) end();
    expect(await underWay()).toBe(8);
    for (const end of ends.splice(0)) end();
    expect(await underWay()).toBe(1);
    for (const end of ends.splice(0)) end();
    expect(await Promise.all(all)).toEqual(all.map(() => ({ ok: true })));
    expect(told.filter(({ state }) => state === "copied")).toHaveLength(12);
  });
});

describe("the command that installs it", () => {
  const dir = mkdtempSync(join(tmpdir(), "install-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const content = Buffer.from("#!/bin/sh\necho I run\n");
  const md5 = createHash("md5").update(content).digest("hex");
  const install = (name: string, input: Buffer, isGzipped: boolean): string => {
    const runnerCommand = join(dir, name, `crunch-run~${md5}`);
    const command = installCommand({ runnerCommand, remoteUser: "root" }, { md5, isGzipped });
    execFileSync("sh", ["-c", command], { input, stdio: ["pipe", "ignore", "pipe"] });
    return runnerCommand;
  };

  it.each([true, false])(
    "leaves an executable file and nothing else (gzipped: %s)",
    (isGzipped) => {
      const name = `gzipped-${isGzipped}`;
      const file = install(name, isGzipped ? gzipSync(content) : content, isGzipped);
      expect(readFileSync(file)).toEqual(content);
      expect(statSync(file).mode & 0o777).toBe(0o755);
      expect(execFileSync(file, { encoding: "utf8" })).toBe("I run\n");
      expect(readdirSync(join(dir, name))).toHaveLength(1);
    },
  );

  it("leaves nothing where it was cut, and what was there before", () => {
    const packed = gzipSync(content);
    expect(() => install("cut", packed.subarray(0, packed.length - 9), true)).toThrow();
    expect(() => install("cut", content.subarray(0, 5), false)).toThrow(/another checksum/);
    expect(readdirSync(join(dir, "cut"))).toEqual([]);
    const file = install("cut", packed, true);
    expect(() => install("cut", Buffer.alloc(0), true)).toThrow();
    expect(readFileSync(file)).toEqual(content);
  });
});
