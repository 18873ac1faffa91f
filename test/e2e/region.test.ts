import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SshError, type SshExecutor } from "../../src/drivers/ssh/port.ts";
import { leftoversOf } from "../support/region/leftovers.ts";
import { Region } from "../support/region/region.ts";

const NOTHING = { processes: [], mounts: [], links: [], namespaces: [] };
const MODULE = join(import.meta.dirname, "../support/region/region.ts");

const missing = Region.missing();

async function said(ssh: SshExecutor, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await ssh.execute({ command, timeoutMs: 30_000 });
  expect(exitCode, stderr).toBe(0);
  return stdout.trim();
}

/** Once it is under way on the host: the promise is of how it ends. */
async function begun(ssh: SshExecutor, command: string): Promise<{ ended: Promise<unknown> }> {
  const ended = ssh.execute({ command, timeoutMs: 60_000 }).catch((error: unknown) => error);
  // Channels open in the order in which they are asked for.
  await said(ssh, "true");
  return { ended };
}

async function failureOf(promise: Promise<unknown>): Promise<SshError> {
  const error = await promise.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(SshError);
  return error as SshError;
}

describe.skipIf(missing)(`a region in a box${missing ? `: ${missing}` : ""}`, () => {
  it("has hosts with a name, files and processes of their own, and leaves nothing behind", async () => {
    let index = 0;
    {
      await using region = await Region.start({ hosts: 4 });
      index = region.index;
      const seen = await Promise.all(
        region.hosts.map((host) =>
          said(region.ssh(host), "hostname; cat /etc/machine-id /proc/sys/kernel/random/boot_id"),
        ),
      );
      const lines = seen.map((text) => text.split("\n"));
      expect(lines.map(([name]) => name)).toEqual(["host-1", "host-2", "host-3", "host-4"]);
      expect(new Set(lines.flat()).size).toBe(12);
      const [first, second] = [region.host(1), region.host(2)];
      await said(region.ssh(first), "touch /root/mine /etc/mine; exec 9>/run/lock/mine; flock 9");
      expect(
        await said(region.ssh(second), "ls /root /run/lock; ls /etc | grep mine || true"),
      ).toBe("/root:\n\n/run/lock:");
      const foreign = first.processes().filter(({ command }) => !command.startsWith("sshd: "));
      expect(foreign).toEqual([]);
      expect(Number(await second.exec("ls /proc | grep -c '^[0-9]'"))).toBeLessThan(10);
      expect(leftoversOf(index).namespaces).toHaveLength(4);
    }
    expect(leftoversOf(index)).toEqual(NOTHING);
  });

  it("starts 100 hosts, and runs a command on each", async () => {
    let index = 0;
    const startAtMs = performance.now();
    let startedAtMs = 0;
    let ranAtMs = 0;
    {
      await using region = await Region.start({ hosts: 100 });
      index = region.index;
      startedAtMs = performance.now();
      const names = await Promise.all(
        region.hosts.map((host) => said(region.ssh(host), "hostname")),
      );
      ranAtMs = performance.now();
      expect(names).toEqual(region.hosts.map(({ name }) => name));
    }
    const spans = [startAtMs, startedAtMs, ranAtMs, performance.now()].map((at, index, all) =>
      Math.round(at - (all[index - 1] ?? at)),
    );
    console.log(
      `100 hosts: ms to start, to run a command on each, to end: ${spans.slice(1).join()}`,
    );
    expect(spans[1]).toBeLessThan(30_000);
    expect(leftoversOf(index)).toEqual(NOTHING);
  });

  it("lets in a user who is not root", async () => {
    await using region = await Region.start({ hosts: 1 });
    const guest = region.ssh(region.host(1), { user: "guest" });
    expect(await said(guest, "id -un; pwd; echo kept >kept; cat kept")).toBe(
      "guest\n/home/guest\nkept",
    );
    expect(await guest.execute({ command: "echo >/etc/mine", timeoutMs: 30_000 })).toMatchObject({
      exitCode: expect.not.closeTo(0),
      stderr: expect.stringMatching(/Permission denied/),
    });
  });

  it("is told by keep-alives, and not before, that a host is cut off, which hears of nothing", async () => {
    await using region = await Region.start({ hosts: 2 });
    const [host, other] = [region.host(1), region.host(2)];
    const ssh = region.ssh(host, { keepaliveMs: 500, connectTimeoutMs: 500 });
    const { ended } = await begun(ssh, "sleep 60");
    await host.cut();
    const cutAtMs = performance.now();
    expect(await ended).toMatchObject({ name: "SshError", code: "lost", started: true });
    expect(performance.now() - cutAtMs).toBeGreaterThan(1400);
    expect(await failureOf(ssh.execute({ command: "true", timeoutMs: 30_000 }))).toMatchObject({
      code: "network",
      started: false,
    });
    expect(host.processes().map(({ command }) => command)).toContain("sleep 60");
    expect(await said(region.ssh(other), "hostname")).toBe("host-2");
    await host.mend();
    expect(await said(region.ssh(host), "hostname")).toBe("host-1");
  });

  it("is told by keep-alives too that a host hangs, which then does not take in a new connection", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    const ssh = region.ssh(host, { keepaliveMs: 300, connectTimeoutMs: 1000 });
    const { ended } = await begun(ssh, "sleep 60");
    host.freeze();
    expect(await ended).toMatchObject({ code: "lost", started: true });
    const error = await failureOf(ssh.execute({ command: "true", timeoutMs: 30_000 }));
    expect(error.message).toMatch(/i\/o timeout/);
    host.thaw();
    expect(await said(region.ssh(host), "hostname")).toBe("host-1");
  });

  it("shows all hosts a folder of this machine at /opt, if asked for one", async () => {
    await using region = await Region.start({ hosts: 1, opt: import.meta.dirname });
    const ssh = region.ssh(region.host(1));
    expect((await said(ssh, "ls /opt")).split("\n")).toContain("region.test.ts");
    expect(await ssh.execute({ command: "touch /opt/mine", timeoutMs: 30_000 })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/Read-only/),
    });
  });

  it("goes on over the same connection after a short cut", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    const ssh = region.ssh(host);
    const connection = await said(ssh, "echo $SSH_CONNECTION");
    const { ended } = await begun(ssh, "sleep 0.3; echo done");
    await host.cut();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await host.mend();
    expect(await ended).toMatchObject({ exitCode: 0, stdout: "done\n" });
    expect(await said(ssh, "echo $SSH_CONNECTION")).toBe(connection);
  });

  it("reboots a host: its disk stays, its processes, /run and boot id do not", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    const ssh = region.ssh(host);
    const ids = "cat /etc/machine-id /proc/sys/kernel/random/boot_id";
    const places = ["/root", "/var/lib", "/etc", "/run", "/run/lock", "/tmp", "/dev/shm"];
    await said(ssh, `for place in ${places.join(" ")}; do echo >$place/marked; done`);
    await said(ssh, "setsid sleep 3000 >/dev/null 2>&1 &");
    const [machine, boot] = (await said(ssh, ids)).split("\n");
    const { ended } = await begun(ssh, "sleep 60");
    expect(host.kill9(/^sleep 3000$/)).toHaveLength(1);
    await said(ssh, "setsid sleep 3000 >/dev/null 2>&1 &");
    const before = new Set(host.processes().map(({ pid }) => pid));
    await host.reboot();
    expect(await ended).toMatchObject({ code: "lost", started: true });
    expect(host.processes().filter(({ pid }) => before.has(pid))).toEqual([]);
    const kept = await said(
      ssh,
      `ls -d ${places.map((each) => `${each}/marked`).join(" ")} || true`,
    );
    expect(kept.split("\n").sort()).toEqual(["/etc/marked", "/root/marked", "/var/lib/marked"]);
    const [machineNow, bootNow] = (await said(ssh, ids)).split("\n");
    expect(machineNow).toBe(machine);
    expect(bootNow).not.toBe(boot);
  });

  it("does not answer while a host is off", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    const ssh = region.ssh(host, { connectTimeoutMs: 500 });
    await host.powerOff();
    const error = await failureOf(ssh.execute({ command: "true", timeoutMs: 30_000 }));
    expect(error.message).toMatch(/i\/o timeout/);
    await host.powerOn();
    expect(await said(region.ssh(host), "hostname")).toBe("host-1");
  });

  it("is refused by who knows a host's former key, once that connects anew", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    const ssh = region.ssh(host);
    await said(ssh, "true");
    await host.newHostKey();
    await said(ssh, "true");
    await host.reboot();
    expect(await failureOf(ssh.execute({ command: "true", timeoutMs: 30_000 }))).toMatchObject({
      code: "hostKey",
      started: false,
      message: "host-1 has another host key",
    });
    expect(await said(region.ssh(host), "hostname")).toBe("host-1");
  });

  it("ends with a run that is killed, and the next one clears away what is left", async () => {
    const program = `
      const { Region } = await import(${JSON.stringify(MODULE)});
      const { index } = await Region.start({ hosts: 3 });
      process.stdout.write(String(index));`;
    const flags = ["--import", "tsx", "--input-type=module", "--eval", program];
    const run = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "inherit"] });
    const [index] = (await once(run.stdout, "data")) as [Buffer];
    run.kill("SIGKILL");
    await once(run, "exit");
    await expect.poll(() => leftoversOf(Number(index)).processes, { timeout: 10_000 }).toEqual([]);
    await using region = await Region.start({ hosts: 1 });
    const left = leftoversOf(Number(index));
    expect(left.namespaces.filter((name) => name.includes(`-${run.pid}-`))).toEqual([]);
    if (region.index !== Number(index)) expect(left).toEqual(NOTHING);
  });
});
