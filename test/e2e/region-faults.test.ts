import { describe, expect, it } from "vitest";
import type { SshExecutor } from "../../src/drivers/ssh/port.ts";
import { Region } from "../support/region/region.ts";

const HOUR_MS = 3_600_000;

const missing = Region.missing();
const noClock = Region.missing("clock");
const noWeather = Region.missing("weather");

async function said(ssh: SshExecutor, command: string, stdin?: Buffer): Promise<string> {
  const given = { command, timeoutMs: 60_000, ...(stdin ? { stdin } : {}) };
  const { exitCode, stdout, stderr } = await ssh.execute(given);
  expect(exitCode, stderr).toBe(0);
  return stdout.trim();
}

async function msOf(promise: Promise<unknown>): Promise<number> {
  const startAtMs = performance.now();
  await promise;
  return performance.now() - startAtMs;
}

describe.skipIf(missing)(`a region's disks${missing ? `: ${missing}` : ""}`, () => {
  it("are full, each for itself, until they are freed", async () => {
    await using region = await Region.start({ hosts: 2 });
    const host = region.host(1);
    const [ssh, other] = [region.ssh(host), region.ssh(region.host(2))];
    await host.fillDisk();
    for (const place of ["/root", "/var/lib", "/home/guest"]) {
      const command = `echo more >${place}/more`;
      const { exitCode, stderr } = await ssh.execute({ command, timeoutMs: 30_000 });
      expect({ exitCode, stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringContaining("No space left on device"),
      });
      await said(other, command);
    }
    await said(ssh, "echo more >/run/more");
    await host.freeDisk();
    await said(ssh, "echo more >/root/more");
  });
});

describe.skipIf(noClock)(`a region's clocks${noClock ? `: ${noClock}` : ""}`, () => {
  it("may be wrong, also across a reboot, while timers and other hosts are right", async () => {
    await using region = await Region.start({ hosts: 2 });
    const host = region.host(1);
    const aheadMs = async (number: number) => {
      const beforeMs = Date.now();
      return Number(await said(region.ssh(region.host(number)), "date +%s%3N")) - beforeMs;
    };
    await host.setClock({ offsetMs: -3 * HOUR_MS });
    expect(Math.abs((await aheadMs(1)) + 3 * HOUR_MS)).toBeLessThan(10_000);
    expect(Math.abs(await aheadMs(2))).toBeLessThan(10_000);
    const spanMs = await msOf(said(region.ssh(host), "sleep 0.5"));
    expect(spanMs).toBeGreaterThan(500);
    await host.reboot();
    expect(Math.abs((await aheadMs(1)) + 3 * HOUR_MS)).toBeLessThan(10_000);
  });

  it("step under a program that runs", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    await host.setClock({ offsetMs: 0 });
    const program = '$| = 1; while (1) { print time, "\\n"; select(undef, undef, undef, 0.1) }';
    await said(region.ssh(host), `setsid perl -e '${program}' >/tmp/times 2>&1 &`);
    const seenMs = async () => Number(await host.exec("tail -n 1 /tmp/times")) * 1000;
    await expect.poll(seenMs, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(Math.abs((await seenMs()) - Date.now())).toBeLessThan(10_000);
    await host.setClock({ offsetMs: 2 * HOUR_MS });
    await expect.poll(seenMs, { timeout: 10_000 }).toBeGreaterThan(Date.now() + HOUR_MS);
  });
});

describe.skipIf(noWeather)(`a region's weather${noWeather ? `: ${noWeather}` : ""}`, () => {
  it("is late by so much each way, also for a connection that there is", async () => {
    await using region = await Region.start({ hosts: 2 });
    const host = region.host(1);
    const [ssh, other] = [region.ssh(host), region.ssh(region.host(2))];
    const connection = await said(ssh, "echo $SSH_CONNECTION");
    await said(other, "true");
    await host.late({ ms: 100 });
    // A command takes two round trips.
    expect(await msOf(said(ssh, "true"))).toBeGreaterThan(400);
    expect(await msOf(said(other, "true"))).toBeLessThan(400);
    await host.fair();
    expect(await msOf(said(ssh, "true"))).toBeLessThan(400);
    expect(await said(ssh, "echo $SSH_CONNECTION")).toBe(connection);
  });

  it("is slow both ways", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    const ssh = region.ssh(host);
    await host.slow({ bytesPerSecond: 100_000 });
    for (const [command, stdin] of [
      ["cat >/dev/null", Buffer.alloc(200_000)],
      ["head -c 200000 /dev/zero", undefined],
    ] as const) {
      const spanMs = await msOf(said(ssh, command, stdin));
      expect(spanMs).toBeGreaterThan(1900);
      expect(spanMs).toBeLessThan(20_000);
    }
  });

  it("is no reason to give a connection up while bytes come, though answers to keep-alives queue behind them", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    // OpenSSH tells that it has taken in what it was sent after every 96 kB, here once a second; silence is 3.2 s.
    const ssh = region.ssh(host, { keepaliveMs: 800 });
    await host.slow({ bytesPerSecond: 100_000 });
    await said(ssh, "head -c 600000 /dev/zero");
    await said(ssh, "cat >/dev/null", Buffer.alloc(600_000));
  });

  it("loses packets, which are sent again", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    const ssh = region.ssh(host);
    const repeats = async () =>
      Number(await host.exec("awk '/^Tcp: [0-9]/ { print $13 }' /proc/net/snmp"));
    // On a busy machine an answer may come so late that something is sent twice without a loss.
    await said(ssh, "head -c 500000 /dev/zero");
    expect(await repeats()).toBeLessThan(10);
    await host.lossy({ percent: 10 });
    await said(ssh, "head -c 500000 /dev/zero");
    // Of some 350 packets.
    expect(await repeats()).toBeGreaterThan(15);
  });

  it("does not keep a host from being cut off, mended and rebooted", async () => {
    await using region = await Region.start({ hosts: 1 });
    const host = region.host(1);
    await host.late({ ms: 10 });
    const ssh = region.ssh(host, { keepaliveMs: 300, connectTimeoutMs: 500 });
    await said(ssh, "true");
    await host.cut();
    await expect(ssh.execute({ command: "true", timeoutMs: 30_000 })).rejects.toThrow(
      /i\/o timeout/,
    );
    await host.mend();
    await host.reboot();
    expect(await said(region.ssh(host), "hostname")).toBe("host-1");
  });
});
