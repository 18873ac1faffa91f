import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openBox, type DaemonBox, type Tree } from "../support/daemon-box.ts";
import { Region } from "../support/region/region.ts";
import type { RegionHost } from "../support/region/host.ts";
import { BUILD_TIMEOUT_MS, noExecutable, runnerExecutable } from "../support/runner-executable.ts";

const missing = noExecutable ?? Region.missing();
const MINUTE_MS = 60_000;
const HOSTS = 2;

/** Machines without a dispatcher's Node, and a daemon that listens on 127.0.0.1, where none of them can reach it. */
async function open(
  config: Tree = {},
): Promise<{ box: DaemonBox; region: Region; config: Tree } & AsyncDisposable> {
  // Room for the runner, which takes 87 MB.
  const region = await Region.start({ hosts: HOSTS, diskBytes: 300 * 2 ** 20 });
  const hosts = region.hosts.map((host): [string, Tree] => [host.name, hostSection(host)]);
  const whole = {
    InstanceTypes: { small: { VCPUs: 8, RAM: "8GiB" } },
    Containers: {
      DispatchPrivateKey: region.clientKey,
      CloudVMs: {
        Driver: "static",
        DriverParameters: { Hosts: Object.fromEntries(hosts) },
        DeployRunnerBinary: "builtin",
        DeployRunnerDirectory: "/var/lib/runner",
        TimeoutIdle: "60s",
        ...config,
      },
    },
  };
  const box = openBox({ config: whole });
  return { box, region, config: whole, [Symbol.asyncDispose]: () => region[Symbol.asyncDispose]() };
}

function hostSection({ address, hostKey }: RegionHost): Tree {
  const sum = createHash("sha256").update(hostKey).digest("base64").replaceAll("=", "");
  return { Address: address, User: "root", InstanceType: "small", HostKey: `SHA256:${sum}` };
}

/** `sh -c` of each; their uuids. */
function submit(box: DaemonBox, scripts: readonly string[]): Promise<string[]> {
  return Promise.all(scripts.map((script) => box.submit(script)));
}

async function untilAll(
  box: DaemonBox,
  what: string,
  uuids: readonly string[],
  state: string,
): Promise<void> {
  await box.until(what, 2 * MINUTE_MS, async () => {
    const all = await Promise.all(uuids.map((uuid) => box.container(uuid)));
    return all.every((container) => container.state === state);
  });
}

/** How often a runner began the command, by what the command itself left. */
async function beginnings(region: Region, marks: readonly string[]): Promise<number[]> {
  const texts = await Promise.all(
    region.hosts.map((host) => host.exec("cat /var/lib/begun 2>/dev/null || true")),
  );
  const lines = texts.join("\n").split("\n");
  return marks.map((mark) => lines.filter((line) => line === mark).length);
}

/** Local ports of what the host's TCP connections are, other than what it listens on. */
async function connectedPorts(host: RegionHost): Promise<Set<number>> {
  const table = await host.exec("cat /proc/net/tcp /proc/net/tcp6");
  const ports = new Set<number>();
  for (const line of table.split("\n")) {
    const [, , local = "", , state] = /^(\s*\d+:) (\S+) (\S+) (\S+)/.exec(line) ?? [];
    const port = Number.parseInt(local.split(":")[1] ?? "", 16);
    if (state !== undefined && state !== "0A" && Number.isFinite(port)) ports.add(port);
  }
  return ports;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const title = "containers on machines that reach nobody, with the embedded queue";
describe.skipIf(missing)(`${title}${missing ? `: ${missing}` : ""}`, () => {
  beforeAll(async () => void (await runnerExecutable()), BUILD_TIMEOUT_MS);

  it("run and end with their exit codes, over SSH and nothing else", async () => {
    await using world = await open();
    const { box, region } = world;
    await box.start();
    const first = await submit(box, ["sleep 1"]);
    await untilAll(box, "the first to end", first, "Complete");
    const submittedAtMs = performance.now();
    const [warm = ""] = await submit(box, ["sleep 3"]);
    const takenAtMs = performance.now();
    await untilAll(box, "it to run", [warm], "Running");
    const startedAtMs = performance.now();
    console.log(
      `ms from submit to Running: ${Math.round(startedAtMs - takenAtMs)} (${Math.round(takenAtMs - submittedAtMs)} to submit)`,
    );
    const uuids = await submit(
      box,
      numbers(10).map((number) => `sleep 1; exit ${number}`),
    );
    const ports: number[] = [];
    await box.until("all to end", 2 * MINUTE_MS, async () => {
      for (const host of region.hosts) ports.push(...(await connectedPorts(host)));
      const all = await Promise.all(uuids.map((uuid) => box.container(uuid)));
      return all.every(({ state }) => state === "Complete");
    });
    const codes = await Promise.all(
      uuids.map(async (uuid) => (await box.container(uuid)).exit_code),
    );
    expect(codes).toEqual(numbers(10));
    // What they see of the network is their SSH server's port alone, and the daemon listens elsewhere.
    expect(new Set(ports)).toEqual(new Set([22]));
    expect(new URL(box.url).hostname).toBe("127.0.0.1");
    expect(box.log()).toMatch(/agent of worker is ready/);
    expect(box.log()).not.toMatch(/cannot be used/);
    const [, secret = ""] = /"secret":"([^"]+)/.exec(box.log()) ?? [];
    expect(secret).toBe("");
  });

  it("end once, with their exit codes, when the line is cut and the agents are killed", async () => {
    await using world = await open({ TimeoutProbe: "2m" });
    const { box, region } = world;
    await box.start();
    const marks = numbers(10).map((number) => `m${number}`);
    const uuids = await submit(
      box,
      numbers(10).map(
        (number) => `echo m${number} >>/var/lib/begun; sleep ${3 + number}; exit ${number}`,
      ),
    );
    await box.until("most to run", 2 * MINUTE_MS, async () => {
      const all = await Promise.all(uuids.map((uuid) => box.container(uuid)));
      return all.filter(({ state }) => state === "Running").length >= 5;
    });
    await region.host(1).cut();
    let isOver = false;
    const kills = (async () => {
      while (!isOver) {
        for (const host of region.hosts) host.kill9(/--agent/);
        await delay(1000);
      }
    })();
    onTestFinished(() => void (isOver = true));
    await delay(10_000);
    await region.host(1).mend();
    // On a busy machine hardly any call gets through between two kills, so they come to an end.
    await delay(10_000);
    isOver = true;
    await kills;
    await untilAll(box, "all to end", uuids, "Complete");
    const codes = await Promise.all(
      uuids.map(async (uuid) => (await box.container(uuid)).exit_code),
    );
    expect(codes).toEqual(numbers(10));
    expect(await beginnings(region, marks)).toEqual(marks.map(() => 1));
  });

  it("end once, with their exit codes, when the daemon is killed and comes back at another port", async () => {
    await using world = await open();
    const { box, region } = world;
    await box.start();
    const before = box.url;
    const marks = numbers(6).map((number) => `m${number}`);
    const uuids = await submit(
      box,
      numbers(6).map(
        (number) => `echo m${number} >>/var/lib/begun; sleep ${number + 1}; exit ${number}`,
      ),
    );
    await box.until("one to run", 2 * MINUTE_MS, async () => {
      const all = await Promise.all(uuids.map((uuid) => box.container(uuid)));
      return all.some(({ state }) => state === "Running");
    });
    await box.kill();
    // Some end while nobody is there to be told.
    await delay(4_000);
    await box.start();
    expect(box.url).not.toBe(before);
    await untilAll(box, "all to end", uuids, "Complete");
    const codes = await Promise.all(
      uuids.map(async (uuid) => (await box.container(uuid)).exit_code),
    );
    expect(codes).toEqual(numbers(6));
    expect(await beginnings(region, marks)).toEqual(marks.map(() => 1));
  });

  it("call the daemon's address where the SSH server opens no streams, which is said once of each machine", async () => {
    await using world = await open();
    const { box, region } = world;
    const [host] = region.hosts;
    if (!host) throw new Error("no host");
    for (const each of region.hosts)
      await each.exec("echo AllowStreamLocalForwarding no >>/etc/ssh/sshd_config");
    await Promise.all(region.hosts.map((each) => each.reboot()));
    // This machine's address in their network.
    const address = host.address.replace(/\.\d+$/, ".1");
    box.configure({
      ...world.config,
      Services: { DispatchCloud: { InternalURLs: { [`http://${address}:0/`]: {} } } },
    });
    await box.start();
    const uuids = await submit(box, ["exit 1", "exit 2"]);
    await untilAll(box, "all to end", uuids, "Complete");
    await delay(5_000);
    const told = box.log().match(/agent of worker cannot be used.*/g) ?? [];
    expect(told.length).toBeGreaterThan(0);
    const instances = told.map((line) => /Instance=(\S+)/.exec(line)?.[1]);
    expect(new Set(instances).size).toBe(told.length);
  });
});
