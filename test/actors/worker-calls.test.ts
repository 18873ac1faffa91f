import { describe, expect, it } from "vitest";
import type { RunnerBinary } from "../../src/actors/runner-binary.ts";
import { SshError } from "../../src/drivers/ssh/port.ts";
import type { WorkerContext } from "../../src/machines/worker/worker.types.ts";
import { FactSink } from "../support/fact-sink.ts";
import { binary, ScriptedSsh } from "../support/scripted-ssh.ts";
import { C1, C2 } from "../support/worker-rig.ts";

function workerOn(instanceId = "i-1"): WorkerContext {
  const sink = new FactSink();
  const worker = sink.known.get("worker", sink.booting(instanceId));
  if (!worker) throw new Error("no worker");
  return worker.context;
}

const unreachable = (): SshError =>
  new SshError("network", "connection refused", { started: false });

describe("calls to a worker", () => {
  it("boot-probe with the configured command, or with true", async () => {
    const ssh = new ScriptedSsh(() => ({}));
    expect(await ssh.calls.bootProbe(workerOn())).toEqual({ ok: true });
    const bare = new ScriptedSsh(() => ({}), { bootProbeCommand: "" });
    await bare.calls.bootProbe(workerOn());
    expect([ssh.texts, bare.texts]).toEqual([["bootprobe"], ["true"]]);
  });

  it("say what went wrong, cut and redacted, on one line", async () => {
    const clean = (text: string): string => text.replaceAll("token", "…");
    const ssh = new ScriptedSsh(
      () => ({ exitCode: 3, stdout: "out", stderr: "a token\nis bad\n" }),
      {
        clean,
      },
    );
    expect(await ssh.calls.bootProbe(workerOn())).toEqual({
      ok: false,
      error: "bootprobe: exit status 3: a … is bad",
    });
    ssh.answer = () => ({ exitCode: 1, stdout: "only this\n" });
    expect(await ssh.calls.list(workerOn())).toEqual({
      ok: false,
      error: "crunch-run --list: exit status 1: only this",
    });
    ssh.answer = unreachable;
    expect(await ssh.calls.list(workerOn())).toEqual({ ok: false, error: "connection refused" });
  });

  it("take no list for whole that was cut: what it lacks may run", async () => {
    const ssh = new ScriptedSsh(() => ({ stdout: `${C1}\n[cut after 9 bytes]\n`, isCut: true }));
    expect(await ssh.calls.list(workerOn())).toEqual({
      ok: false,
      error: "crunch-run --list: it printed too much",
      broken: true,
      reportedCount: 1,
    });
  });

  it("list what runs, with sudo where the login is not root", async () => {
    const ssh = new ScriptedSsh(() => ({ stdout: `${C2}\nbroken\n${C1}\n` }), {
      remoteUser: "crunch",
    });
    expect(await ssh.calls.list(workerOn())).toEqual({
      ok: true,
      containerIds: [C1, C2],
      broken: true,
      stale: false,
      reportedCount: 2,
    });
    expect(ssh.texts).toEqual(["sudo crunch-run --list"]);
  });

  it("go nowhere before the first list has told the login", async () => {
    const ssh = new ScriptedSsh(() => ({}));
    ssh.directory.delete("i-1");
    await ssh.calls.bootProbe(workerOn());
    expect(ssh.targets).toEqual([""]);
  });

  it("share one connection a worker, to where it is now, and close it once", async () => {
    const ssh = new ScriptedSsh(() => ({}));
    const worker = workerOn();
    await ssh.calls.bootProbe(worker);
    await ssh.calls.bootProbe({ ...worker, address: "10.9.9.9" });
    await ssh.calls.bootProbe({ ...worker, instanceId: "i-2" });
    expect(ssh.targets).toContain("10.9.9.9");
    ssh.sessions.close("i-1");
    ssh.sessions.close("i-1");
    ssh.sessions.close("never-opened");
    expect(ssh.closed).toEqual(["i-1"]);
    ssh.sessions.closeAll();
    expect(ssh.closed).toEqual(["i-1", "i-2"]);
  });

  it("copy the runner anew whenever its sum is not exactly right", async () => {
    const sums = [
      "",
      "bad  /var/run/arvados/crunch-run~abc\n",
      "abc  /var/run/arvados/crunch-run~abc",
    ];
    for (const stdout of sums) {
      const ssh = new ScriptedSsh(() => ({ stdout }), { runnerBinary: binary("ELF", "abc") });
      expect(await ssh.calls.deploy(workerOn())).toEqual({ ok: true });
      expect([ssh.texts.length, ssh.stdin]).toEqual([2, "ELF"]);
    }
    const noisy = new ScriptedSsh(
      () => ({ stdout: "abc  /var/run/arvados/crunch-run~abc\n", stderr: "warning" }),
      { runnerBinary: binary("ELF", "abc") },
    );
    await noisy.calls.deploy(workerOn());
    expect(noisy.texts).toHaveLength(2);
  });

  it("say that the runner's file cannot be read, and try again", async () => {
    let isThere = false;
    const runnerBinary: RunnerBinary = {
      load: () =>
        isThere
          ? binary("ELF", "abc").load()
          : Promise.reject(new Error("error loading runner binary: ENOENT")),
    };
    const ssh = new ScriptedSsh(() => ({}), { runnerBinary });
    const failed = { ok: false, error: "error loading runner binary: ENOENT" };
    expect(await ssh.calls.deploy(workerOn())).toEqual(failed);
    expect(await ssh.calls.list(workerOn())).toEqual(failed);
    expect(await ssh.calls.start(workerOn(), C1)).toMatchObject({ outcome: "failed" });
    expect(await ssh.calls.kill(workerOn(), C1, 15)).toMatchObject({ gone: false });
    isThere = true;
    expect(await ssh.calls.deploy(workerOn())).toEqual({ ok: true });
  });

  it("start nothing that has no token to say how it ends", async () => {
    const ssh = new ScriptedSsh(() => ({}), { stdinConfig: () => undefined });
    const { outcome, error } = await ssh.calls.start(workerOn(), C1);
    expect([outcome, error]).toEqual(["failed", expect.stringContaining("there is no token")]);
    expect(ssh.commands).toEqual([]);
  });

  it("let through what neither SSH nor the runner's file made", async () => {
    const ssh = new ScriptedSsh(() => new TypeError("oops"), {
      runnerBinary: binary("ELF", "abc"),
    });
    const worker = workerOn();
    for (const call of [
      ssh.calls.bootProbe(worker),
      ssh.calls.deploy(worker),
      ssh.calls.list(worker),
      ssh.calls.start(worker, C1),
      ssh.calls.kill(worker, C1, 15),
    ])
      await expect(call).rejects.toThrow("oops");
  });

  it("give every command a deadline", async () => {
    const ssh = new ScriptedSsh(() => ({}), { commandTimeoutMs: 1_234 });
    const worker = workerOn();
    await ssh.calls.bootProbe(worker);
    await ssh.calls.list(worker);
    await ssh.calls.start(worker, C1);
    await ssh.calls.kill(worker, C1, 15);
    expect(ssh.commands.map(({ timeoutMs }) => timeoutMs)).toEqual([1_234, 1_234, 1_234, 1_234]);
    expect(ssh.texts[3]).toBe(`crunch-run --kill 15 ${C1}`);
  });
});
