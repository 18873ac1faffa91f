import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { Host } from "../../src/drivers/cloud/static/host.ts";
import { fingerprintOf } from "../../src/drivers/cloud/static/host-key.ts";
import { makeTempDir, runCli, type IoOptions, type Outcome } from "../cli/test-io.ts";
import type { RegionHost } from "../support/region/host.ts";
import { Region } from "../support/region/region.ts";
import { BUILD_TIMEOUT_MS, noExecutable, runnerExecutable } from "../support/runner-executable.ts";

const missing = Region.missing();

const COMMENTED = `# Ours, and nobody else's.
Clusters:
    local:
        # Where the queue listens.
        Services: { DispatchCloud: { InternalURLs: { "http://127.0.0.1:9006/": {} } } }

        DispatchCloud:
            DataDir: ./data # beside this file
            Queue: { Driver: embedded }
        InstanceTypes:
            small: { VCPUs: 1, RAM: 1GiB, Price: 0.02 } # of old
        Containers:
            RuntimeEngine: process
            CloudVMs:
                Driver: loopback # a cloud of one machine
                DriverParameters:
                    MaxInstances: 4
                PollInterval: 1s # short
`;

const NEVER = new AbortController().signal;

/** Somebody at a terminal, or at none, with a key that the region lets in. */
function userOf(region: Region) {
  const cwd = makeTempDir();
  const identity = join(cwd, "id_ed25519");
  writeFileSync(identity, region.clientKey, { mode: 0o600 });
  const config = join(cwd, "hosts.yml");
  const type = (words: string, { env = {}, ...options }: IoOptions = {}): Promise<Outcome> =>
    runCli(words.split(" "), { cwd, env: { ARVADOS_CONFIG: config, ...env }, ...options });
  return { cwd, identity, config, type };
}

/** Claims a host as the dispatcher of another instance set. */
async function claimElsewhere(region: Region, host: RegionHost): Promise<void> {
  const { address } = host;
  const hostKey = fingerprintOf(host.hostKey);
  const other = new Host({
    name: "theirs",
    host: { address, user: "root", instanceType: "big", hostKey },
    parameters: { claimDirectory: "", lockDirectory: "" },
    openSsh: () => region.ssh(host),
  });
  const claim = { instanceSetId: "set-2", instanceId: "theirs-0badcafe", providerType: "big" };
  const state = await other.claim({ ...claim, tags: {} }, "", NEVER);
  expect(state.claim?.instanceId).toBe("theirs-0badcafe");
}

const keysOf = async (host: RegionHost, home = "/root"): Promise<string[]> => {
  const file = `${home}/.ssh/authorized_keys`;
  return (await host.exec(`stat -c %a ${home}/.ssh ${file}; wc -l <${file}`)).trim().split("\n");
};

describe.skipIf(missing)(`hosts${missing ? `: ${missing}` : ""}`, () => {
  it("adds three to a config that it makes, checks them and lists them", async () => {
    await using region = await Region.start({ hosts: 3, diskBytes: 2 ** 31 });
    const { config, identity, type, cwd } = userOf(region);
    const [first, second, third] = region.hosts.map(({ address }) => address);
    const fingerprint = fingerprintOf(region.host(1).hostKey);

    const asked = await type(`hosts add root@${first}`);
    expect(asked).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining(`root@${first} shows the key ssh-ed25519 ${fingerprint}\n`),
      stderr: expect.stringContaining("there is no terminal to ask at"),
    });
    expect(existsSync(config) || existsSync(join(cwd, "data"))).toBe(false);
    const refused = await type(`hosts add root@${first}`, { answers: ["no"] });
    expect(refused.stderr).toContain("its key was not accepted");
    const locked = await type(`hosts add --yes root@${first}`);
    expect(locked.stderr).toMatch(
      /cannot log in with the dispatcher's own key; .*: ssh-ed25519 AAAA\S+\n/,
    );
    expect(existsSync(config)).toBe(false);

    const added = await type(
      `hosts add --yes --identity ${identity} root@${first} root@${second} guest@${third}:22`,
    );
    expect(added).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(config, "utf8")).toContain(`HostKey: ${fingerprint}`);
    expect(statSync(join(cwd, "data/dispatch_key")).mode & 0o777).toBe(0o600);
    for (const host of [region.host(1), region.host(2)])
      expect(await keysOf(host)).toEqual(["700", "600", "2"]);
    expect(await keysOf(region.host(3), "/home/guest")).toEqual(["700", "600", "2"]);

    // By now the dispatcher's own key lets us in, and stands there once; a key that is known is no question.
    const again = await type(`hosts add root@${first}`);
    expect(again).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await keysOf(region.host(1))).toEqual(["700", "600", "2"]);

    const list = await type("hosts list");
    expect(list.stdout).toMatch(new RegExp(`^${third} +guest@${third}:22 +cpu\\S+ +free$`, "m"));
    const check = await type("hosts check");
    expect(check.stdout).toMatch(new RegExp(`^${first}: in order, free`, "m"));
    // It is no root, and this machine's sudo, where there is one, does not know it.
    expect(check.stdout).toMatch(/guest is not root, and sudo .*\n {4}mend: \S+/);
    expect(check.exitCode).toBe(1);
    expect(await type(`hosts check ${first} ${second}`)).toMatchObject({ exitCode: 0 });
    expect(await type("config check")).toMatchObject({ exitCode: 0 });
  });

  it("keeps the comments and the order of a config, and the old one beside it", async () => {
    await using region = await Region.start({ hosts: 1, diskBytes: 2 ** 31 });
    const { config, identity, type } = userOf(region);
    writeFileSync(config, COMMENTED, { mode: 0o640 });
    const { address, hostKey } = region.host(1);
    const add = `hosts add --identity ${identity} --name box1 root@${address}`;
    const asked = await type(add, { answers: ["n"] });
    expect(asked.stderr).toContain("has Driver: loopback. Make it Driver: static?");
    expect(readFileSync(config, "utf8")).toBe(COMMENTED);
    const added = await type(add, { answers: ["y", "yes"] });
    expect(added).toMatchObject({ exitCode: 0 });
    expect(added.stdout).toContain("no host is of the types small");
    const text = readFileSync(config, "utf8");
    const type1 = /InstanceType: (\S+)/.exec(text)?.[1] ?? "";
    const size = new RegExp(`^ +${type1}: .*\n`, "m").exec(text)?.[0] ?? "";
    expect(size).toMatch(/{ VCPUs: \d+, RAM: \d+GiB, IncludedScratch: 1GiB, Price: 0 }/);
    expect(text).toBe(
      COMMENTED.replace("# of old\n", `# of old\n${size}`)
        .replace("loopback #", "static #")
        .replace(
          "MaxInstances: 4\n",
          `Hosts:
                        box1:
                            Address: ${address}
                            User: root
                            InstanceType: ${type1}
                            HostKey: ${fingerprintOf(hostKey)}
`,
        )
        .replace("# short\n", '# short\n                BootProbeCommand: "true"\n'),
    );
    expect(readFileSync(`${config}.bak`, "utf8")).toBe(COMMENTED);
    expect([config, `${config}.bak`].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o640, 0o640,
    ]);

    const forgotten = await type("hosts forget box1");
    expect(forgotten).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(config, "utf8")).not.toMatch(/box1|cpu\d/);
    writeFileSync(config, COMMENTED.replace("loopback", "ec2"));
    expect((await type(`${add} --yes`)).stderr).toContain("another driver is configured");
  });

  it("logs in by ssh-agent, and by none but the keys that it was told of", async () => {
    await using region = await Region.start({ hosts: 1, diskBytes: 2 ** 31 });
    const { identity, type, cwd } = userOf(region);
    const socket = join(cwd, "agent");
    const started = execFileSync("ssh-agent", ["-a", socket], { encoding: "utf8" });
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]);
    onTestFinished(() => void process.kill(pid));
    const env = { SSH_AUTH_SOCK: socket };
    const { address, hostKey } = region.host(1);
    const other = `SHA256:${"A".repeat(43)}`;
    const wrong = await type(`hosts add --fingerprint ${other} root@${address}`, { env });
    expect(wrong).toMatchObject({ exitCode: 1 });
    expect(wrong.stderr).toContain("shows another key than --fingerprint says");
    const add = `hosts add --json --fingerprint ${fingerprintOf(hostKey)} root@${address}`;
    const locked = await type(add, { env });
    expect(locked.stderr).toContain("cannot log in with ssh-agent's keys and the dispatcher's own");
    execFileSync("ssh-add", ["-q", identity], { env: { ...process.env, ...env }, stdio: "ignore" });
    const added = await type(add, { env });
    expect(added).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(added.stdout)).toMatchObject({ name: address, user: "root", lacks: [] });
  });

  it("refuses a second login on one machine", async () => {
    await using region = await Region.start({ hosts: 2, diskBytes: 2 ** 31 });
    const { config, identity, type } = userOf(region);
    const [first, second] = region.hosts.map(({ address }) => address);
    const add = `hosts add --yes --identity ${identity}`;
    const twice = await type(`${add} root@${first} guest@${first}`);
    expect(twice.exitCode).toBe(1);
    expect(twice.stderr).toContain(
      `guest@${first} was not added: it is the same machine as ${first}`,
    );
    expect(readFileSync(config, "utf8")).not.toContain("guest");
    const id = await region.host(1).exec("cat /etc/machine-id");
    await region.host(2).exec(`echo ${id.trim()} >/etc/machine-id`);
    const copied = await type(`${add} root@${second}`);
    expect(copied.stderr).toContain(`it is the same machine as ${first} (machine-id ${id.trim()})`);
    expect(copied.stderr).toMatch(/hosts.yml is left as it is\n$/);
  });

  it("refuses a changed key until it is accepted", async () => {
    await using region = await Region.start({ hosts: 1, diskBytes: 2 ** 31 });
    const { config, identity, type } = userOf(region);
    const host = region.host(1);
    const add = `hosts add --yes --name box1 --identity ${identity} root@${host.address}`;
    expect(await type(add)).toMatchObject({ exitCode: 0 });
    expect((await type("hosts accept box1")).stdout).toContain("there is nothing to accept");
    const before = fingerprintOf(host.hostKey);
    await host.newHostKey();
    const after = fingerprintOf(host.hostKey);
    const refused = await type(add);
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(/shows another key than before: .* hosts accept box1\n/);
    const check = await type("hosts check");
    expect(check).toMatchObject({ exitCode: 1 });
    expect(check.stdout).toMatch(
      /host key mismatch: .*\n {4}mend: dispatch-cloud hosts accept box1/,
    );
    expect((await type("hosts accept box1", { answers: [""] })).exitCode).toBe(1);
    expect(readFileSync(config, "utf8")).toContain(before);
    const accepted = await type("hosts accept box1", { answers: ["y"] });
    expect(accepted).toMatchObject({ exitCode: 0 });
    expect(accepted.stdout).toMatch(
      new RegExp(`${before.replaceAll("+", "\\+")}\n.*${after.replaceAll("+", "\\+")}\n`),
    );
    expect(await type("hosts check")).toMatchObject({ exitCode: 0 });
  });

  it("names another dispatcher's claim, and ends it only by force; forgets a host that is lost", async () => {
    await using region = await Region.start({ hosts: 1, diskBytes: 2 ** 31 });
    const { config, identity, type } = userOf(region);
    const host = region.host(1);
    const add = `hosts add --yes --name box1 --identity ${identity} root@${host.address}`;
    expect(await type(add)).toMatchObject({ exitCode: 0 });
    expect((await type("hosts release box1")).stdout).toContain("nothing to release");
    await claimElsewhere(region, host);
    const words =
      /claimed as theirs-0badcafe by another dispatcher \(instance set set-2\) since \d{4}-\S+Z/;
    for (const command of ["hosts list", "hosts check"])
      expect((await type(command)).stdout).toMatch(words);
    const refused = await type("hosts release box1");
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(words);
    expect(refused.stderr).toContain("hosts release --force box1");
    expect(await host.exec("cat /var/lib/dispatch-cloud/claim")).toContain("set set-2\n");
    const released = await type("hosts release --force box1");
    expect(released).toMatchObject({ exitCode: 0, stderr: "" });
    expect((await type("hosts list")).stdout).toMatch(/ free$/m);

    await host.powerOff();
    const lost = await type("hosts check");
    expect(lost.stdout).toMatch(/1 lacking\n.*\n {4}mend: .*hosts forget box1/);
    expect(await type("hosts forget box1")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(config, "utf8")).not.toContain("box1");
    expect((await type("hosts forget box1")).stderr).toContain('no host is called "box1"');
  });
});

const cannotRun = missing ?? noExecutable;
describe.skipIf(cannotRun)(`a dispatcher on hosts${cannotRun ? `: ${cannotRun}` : ""}`, () => {
  beforeAll(async () => void (await runnerExecutable()), BUILD_TIMEOUT_MS);

  it("does what the README says", async () => {
    await using region = await Region.start({ hosts: 2, diskBytes: 2 ** 31 });
    const { config, identity, type } = userOf(region);
    const [first = "", second = ""] = region.hosts.map(({ address }) => address);
    for (const host of region.hosts)
      await host.exec(
        "mkdir -p /shared/project && printf 'test:\\n\\thostname >ran\\n' >/shared/project/Makefile",
      );
    const [add = "", check = "", run = "", submit = ""] = readmeLines().map((line) =>
      line.replace("box1", first).replace("box2", second).replaceAll("hosts.yml", config),
    );
    // The key is believed here, since nobody is there to be asked.
    const added = await type(`${add} --yes --identity ${identity}`);
    expect(added).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await type(check)).toMatchObject({ exitCode: 0, stderr: "" });
    // They need not reach it; another test may have the port.
    const text = readFileSync(config, "utf8")
      .replace("127.0.0.1:9006", "127.0.0.1:0")
      .replace("  local:\n", "  local:\n    SystemLogs: { LogLevel: error }\n");
    writeFileSync(config, text);
    expect(await type("config check --for-daemon")).toMatchObject({ exitCode: 0 });
    const interrupted = new AbortController();
    const daemon = type(run, { interrupted: interrupted.signal });
    try {
      await vi.waitFor(
        async () => expect(await type("status")).toMatchObject({ exitCode: 0 }),
        20_000,
      );
      expect(await type(submit.replace(" -- ", " --wait -- "))).toMatchObject({ exitCode: 0 });
      const ran = await Promise.all(
        region.hosts.map((host) => host.exec("cat /shared/project/ran 2>/dev/null || true")),
      );
      expect(ran.join("")).toMatch(/^host-[12]$/);
      const list = (await type("hosts list")).stdout;
      const [, name = "", instance = ""] = /^(\S+) .* claimed as (\S+) since /m.exec(list) ?? [];
      const forget = await type(`hosts forget ${name}`);
      expect(forget.stderr).toContain(`instance drain ${instance}`);
      const release = await type(`hosts release --force ${name}`);
      expect(release.stderr).toContain(`instance kill ${instance}`);
      expect(await type("stop --drain")).toMatchObject({ exitCode: 0 });
    } finally {
      interrupted.abort("SIGTERM");
      await daemon;
    }
    expect((await type("hosts list")).stdout.match(/ free$/gm)).toHaveLength(2);
  }, 120_000);
});

/** What the README has people type for machines that they have, without the program's name and the comments. */
function readmeLines(): string[] {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  return [...readme.matchAll(/^npx dispatch-cloud (.*hosts\.yml.*?) *(#.*)?$/gm)].map(
    ([, words = ""]) => words,
  );
}
