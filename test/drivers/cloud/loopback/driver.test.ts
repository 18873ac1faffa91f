import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CloudError } from "../../../../src/drivers/cloud/port.ts";
import { identify } from "../../../../src/drivers/cloud/loopback/process-table.ts";
import type { SshExecutor, SshResult } from "../../../../src/drivers/ssh/port.ts";
import { createRequest, NEVER } from "../../../conformance/cloud.conformance.ts";
import { describeScenarios, type Scenario } from "../../scenarios.ts";
import { KEYS } from "../../ssh/ssh-server.ts";
import {
  booted,
  instancePid,
  isRunning,
  openLoopback,
  stateDir,
  whyNot,
  type LoopbackFixture,
} from "./fixture.ts";

const reason = whyNot();

const open: LoopbackFixture[] = [];
function loopback(...args: Parameters<typeof openLoopback>): LoopbackFixture {
  const fixture = openLoopback(...args);
  open.push(fixture);
  return fixture;
}
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.close();
});

async function start(fixture: LoopbackFixture, ...args: Parameters<typeof createRequest>) {
  const { instanceId } = await fixture.set.create(createRequest(...args), NEVER);
  const instance = await booted(fixture.set, instanceId);
  return { instance, instanceId, ssh: fixture.executor(instance) };
}

function run(ssh: SshExecutor, command: string, env?: Record<string, string>): Promise<SshResult> {
  return ssh.execute({ command, timeoutMs: 15_000, ...(env && { env }) });
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: unknown) => error as Error,
  );
}

/** Stands for the runner: a lock file with its pid, and a command in a session of its own with an empty environment. */
const RUNNER = `
import { spawn } from "node:child_process";
import { openSync, writeSync, writeFileSync } from "node:fs";
const [mode] = process.argv.slice(2);
if (process.argv[3] !== "child") {
  spawn(process.execPath, [process.argv[1], mode, "child"], { detached: true, stdio: "ignore" });
  process.exit(0);
}
const { CRUNCH_RUN_LOCK_DIR: locks, CRUNCH_RUN_DATA_DIR: data } = process.env;
const command = spawn("/bin/sleep", ["1000"], { detached: true, stdio: "ignore", env: {} });
process.on("SIGTERM", () => {
  if (mode === "stubborn") return;
  command.kill("SIGKILL");
  writeFileSync(data + "/ended-well", "");
  process.exit(0);
});
const lock = openSync(locks + "/crunch-run-zzzzz-dz642-000000000000001.lock", "w");
writeSync(lock, JSON.stringify({ UUID: "zzzzz-dz642-000000000000001", PID: process.pid }));
writeFileSync(data + "/pids", JSON.stringify([process.pid, command.pid]));
setInterval(() => {}, 1000);
`;

async function startRunner(fixture: LoopbackFixture, ssh: SshExecutor, mode: string) {
  writeFileSync(join(fixture.dataDir, "runner.mjs"), RUNNER);
  expect(await run(ssh, `crunch-run ${mode}`)).toMatchObject({ exitCode: 0, stderr: "" });
  const pids = await vi.waitFor(
    () => JSON.parse(readFileSync(join(fixture.dataDir, "containers/pids"), "utf8")) as number[],
    { timeout: 10_000 },
  );
  expect(pids.map(isRunning)).toEqual([true, true]);
  return pids;
}

describe.skipIf(reason)(`loopback instances${reason ? `: ${reason}` : ""}`, () => {
  it("are found by the next dispatcher, with tags, address and host key", async () => {
    const fixture = loopback();
    const { instance, instanceId } = await start(fixture);
    await fixture.set.setTags(instanceId, { C: "3" }, NEVER);
    const next = fixture.reopen();
    expect(await next.list({}, NEVER)).toEqual([{ ...instance, tags: { A: "1", B: "2", C: "3" } }]);
    expect(await run(fixture.executor(instance), "true")).toMatchObject({ exitCode: 0 });
    expect(await failureOf(next.create(createRequest(), NEVER))).toMatchObject({
      message: "loopback driver is always at quota",
      failure: { code: "quota" },
    });
  });

  it("name the limit where it is not 1", async () => {
    const fixture = loopback({ instancesMax: 2 });
    await fixture.set.create(createRequest(), NEVER);
    await fixture.set.create(createRequest(), NEVER);
    const error = await failureOf(fixture.set.create(createRequest(), NEVER));
    expect(error.message).toMatch(/limit of 2 instances/);
  });

  it("run commands with what the client sends and no more of our environment", async () => {
    vi.stubEnv("SYSTEM_ROOT_TOKEN", "very secret");
    const fixture = loopback();
    const { ssh, instanceId } = await start(fixture);
    vi.unstubAllEnvs();
    const { stdout } = await run(ssh, "env", { GREETING: "hello", CRUNCH_RUN_LOCK_DIR: "/tmp" });
    const dir = stateDir(fixture.dataDir, instanceId);
    const { homedir, username } = userInfo();
    const env = stdout
      .trim()
      .split("\n")
      .filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line));
    expect(env.sort()).toEqual([
      `CRUNCH_RUN_DATA_DIR=${fixture.dataDir}/containers`,
      `CRUNCH_RUN_LOCK_DIR=${dir}/lock`,
      "GREETING=hello",
      `HOME=${homedir}`,
      `LOGNAME=${username}`,
      expect.stringMatching(new RegExp(`^PATH=${dir}/bin:/`)),
      `USER=${username}`,
    ]);
  });

  it("run each command in a session of its own", async () => {
    const { ssh } = await start(loopback());
    const { stdout } = await run(ssh, "echo $$; cut -d' ' -f6 /proc/$$/stat");
    const [pid, session] = stdout.trim().split("\n");
    expect(session).toBe(pid);
  });

  it("report a signal as exit status 1", async () => {
    const { ssh } = await start(loopback());
    expect((await run(ssh, "kill -9 $$")).exitCode).toBe(1);
  });

  it("let a command go on when its client goes away", async () => {
    const fixture = loopback();
    const { ssh } = await start(fixture);
    const gate = join(fixture.dataDir, "gate");
    const proof = join(fixture.dataDir, "proof");
    const started = join(fixture.dataDir, "started");
    // More output than a pipe holds: it blocks unless somebody reads on.
    const command = `touch ${started}; while [ ! -e ${gate} ]; do sleep 0.02; done; head -c 300000 /dev/zero; touch ${proof}`;
    const error = failureOf(run(ssh, command));
    await vi.waitFor(() => expect(existsSync(started)).toBe(true), { timeout: 10_000 });
    ssh.close();
    expect(await error).toMatchObject({ code: "closed", started: true });
    writeFileSync(gate, "");
    await vi.waitFor(() => expect(existsSync(proof)).toBe(true), { timeout: 10_000 });
  });

  it("pass several megabytes in both directions", async () => {
    const { ssh } = await start(loopback());
    const result = await ssh.execute({
      command: "cat >&2; echo done",
      stdin: Buffer.alloc(3 * 1024 * 1024, "x"),
      timeoutMs: 15_000,
    });
    expect(result).toMatchObject({ exitCode: 0, stdout: "done\n" });
    expect(result.stderr.startsWith("x".repeat(1024 * 1024))).toBe(true);
  });

  it("pass output that comes while errors wait for a client that is slow to read", async () => {
    const { ssh } = await start(loopback());
    await run(ssh, "true");
    const command = "sleep 0.2; head -c 3000000 /dev/zero >&2; echo done";
    const result = ssh.execute({ command, timeoutMs: 15_000 });
    // The command is handed over; then this process reads nothing, until the window is full and both streams wait.
    await new Promise((resolve) => setTimeout(resolve, 50));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    expect(await result).toMatchObject({ exitCode: 0, stdout: "done\n" });
  });

  it("let nobody in where no key was given", async () => {
    const { ssh } = await start(loopback(), { publicKey: null });
    expect(await failureOf(run(ssh, "true"))).toMatchObject({ code: "auth" });
  });

  it("refuse a public key that is none", async () => {
    const { set } = loopback();
    const error = await failureOf(set.create(createRequest({ publicKey: "rubbish" }), NEVER));
    expect(error.message).toMatch(/public key/);
    expect(await set.list({}, NEVER)).toEqual([]);
  });

  it("run the init command at boot, without its line that writes the secret", async () => {
    const fixture = loopback();
    const path = "/var/run/arvados-instance-secret";
    const before = existsSync(path) ? readFileSync(path, "utf8") : undefined;
    const proof = join(fixture.dataDir, "init-ran");
    const secretLine = `umask 0177 && echo -n "s3cret" >${path}`;
    const { instanceId } = await start(fixture, {
      initCommand: `${secretLine}\ncommand -v crunch-run >${proof}`,
    });
    const dir = stateDir(fixture.dataDir, instanceId);
    expect(readFileSync(proof, "utf8")).toBe(`${dir}/bin/crunch-run\n`);
    expect(existsSync(path) ? readFileSync(path, "utf8") : undefined).toBe(before);
    expect(readFileSync(join(dir, "init.sh"), "utf8")).not.toContain("s3cret");
  });

  it("have no address until they have booted", async () => {
    const fixture = loopback({ bootDelayMs: 600_000 });
    const { address } = await fixture.set.create(createRequest(), NEVER);
    expect(address).toBe("");
    expect((await fixture.set.list({}, NEVER))[0]?.address).toBe("");
  });

  it("say why they could not be started, and leave nothing behind", async () => {
    const { set } = loopback({ instancePath: "/nowhere/instance.js" });
    const error = await failureOf(set.create(createRequest(), NEVER));
    expect(error).toBeInstanceOf(CloudError);
    expect(error.message).toMatch(
      /loopback instance: ended too early \(1\): .*Cannot find module .\/nowhere/,
    );
    expect(await set.list({}, NEVER)).toEqual([]);
    expect(await failureOf(set.create(createRequest(), NEVER))).toMatchObject({
      failure: { code: "other" },
    });
  });

  it("have host keys of their own", async () => {
    const fixture = loopback({ instancesMax: 2 });
    const first = await start(fixture);
    const second = await start(fixture);
    const session = { execute: () => Promise.reject(new Error("not needed")) };
    const seen: Buffer[] = [];
    for (const { instance } of [first, second]) {
      const text = readFileSync(
        join(stateDir(fixture.dataDir, instance.instanceId), "host_key.pub"),
        "utf8",
      );
      seen.push(Buffer.from(text.split(" ")[1] ?? "", "base64"));
    }
    const verify = (index: number, key: Buffer) =>
      fixture.set.verifyHostKey([first, second][index]!.instance, key, session);
    expect(await verify(0, seen[0]!)).toBe("verified");
    expect(await verify(1, seen[1]!)).toBe("verified");
    expect((await failureOf(verify(0, seen[1]!))).message).toBe("host key mismatch");
  });

  it("of another set are left alone", async () => {
    const fixture = loopback();
    const other = fixture.reopen({ instanceSetId: "set-2" });
    const { instanceId } = await other.create(createRequest(), NEVER);
    expect(await fixture.set.list({}, NEVER)).toEqual([]);
    expect(await other.list({}, NEVER)).toHaveLength(1);
    await other.destroy(instanceId, NEVER);
  });

  it("end by themselves when their folder is gone", async () => {
    const fixture = loopback();
    const { instanceId } = await start(fixture);
    const pid = instancePid(fixture.dataDir, instanceId);
    rmSync(stateDir(fixture.dataDir, instanceId), { recursive: true });
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 10_000 });
  });
});

describe.skipIf(reason)(`the end of a loopback instance${reason ? `: ${reason}` : ""}`, () => {
  it("lets runners end in good order, and takes their commands along", async () => {
    const fixture = loopback({ destroyGraceMs: 10_000 });
    const { ssh, instanceId } = await start(fixture);
    const pids = await startRunner(fixture, ssh, "polite");
    const pid = instancePid(fixture.dataDir, instanceId);
    await fixture.set.destroy(instanceId, NEVER);
    expect([...pids, pid].map(isRunning)).toEqual([false, false, false]);
    expect(existsSync(join(fixture.dataDir, "containers/ended-well"))).toBe(true);
    expect(existsSync(stateDir(fixture.dataDir, instanceId))).toBe(false);
  });

  it("kills runners that do not end, and all that was started over SSH", async () => {
    const fixture = loopback({ destroyGraceMs: 100 });
    const { ssh, instanceId } = await start(fixture);
    const pids = await startRunner(fixture, ssh, "stubborn");
    const { stdout } = await run(ssh, "setsid sleep 1000 >/dev/null 2>&1 & echo $!");
    await fixture.set.destroy(instanceId, NEVER);
    expect([...pids, Number(stdout)].map(isRunning)).toEqual([false, false, false]);
  });

  it("is seen in the list only after its runners have ended too", async () => {
    const fixture = loopback();
    const { ssh, instanceId } = await start(fixture);
    const pids = await startRunner(fixture, ssh, "stubborn");
    process.kill(instancePid(fixture.dataDir, instanceId), "SIGKILL");
    await vi.waitFor(async () => expect(await fixture.set.list({}, NEVER)).toEqual([]));
    expect(pids.map(isRunning)).toEqual([false, false]);
    expect(existsSync(stateDir(fixture.dataDir, instanceId))).toBe(false);
  });

  it("does not touch a stranger that has the pid now", async () => {
    const fixture = loopback();
    const { instanceId } = await start(fixture);
    const stranger = spawn("/bin/sleep", ["1000"]);
    const path = join(stateDir(fixture.dataDir, instanceId), "process.json");
    const record = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    const pid = stranger.pid!;
    writeFileSync(path, JSON.stringify({ ...record, pid }));
    expect(identify(pid)?.startTicks).not.toBe(record["start_ticks"]);
    expect(await fixture.set.list({}, NEVER)).toEqual([]);
    expect(isRunning(pid)).toBe(true);
    // The real one was found by its environment.
    expect(isRunning(record["pid"] as number)).toBe(false);
    stranger.kill();
  });

  it("clears away what a dispatcher left that died while it created one", async () => {
    const fixture = loopback();
    const half = stateDir(fixture.dataDir, "loopback-0123456789ab");
    mkdirSync(half);
    expect(await fixture.set.list({}, NEVER)).toEqual([]);
    expect(existsSync(half)).toBe(false);
  });

  it("is waited for no longer than the caller wants", async () => {
    const fixture = loopback({ destroyGraceMs: 60_000 });
    const { ssh, instanceId } = await start(fixture);
    await startRunner(fixture, ssh, "stubborn");
    const controller = new AbortController();
    const error = failureOf(fixture.set.destroy(instanceId, controller.signal));
    setImmediate(() => controller.abort());
    expect(await error).toMatchObject({ failure: { code: "aborted" } });
    // Repeated by the next dispatcher.
    await fixture.reopen({ destroyGraceMs: 0 }).destroy(instanceId, NEVER);
    expect(await fixture.set.list({}, NEVER)).toEqual([]);
  });
});

interface Step {
  readonly count: number;
  readonly string: string;
  readonly error_regex: string;
}

async function lifecycle({ given, then }: Scenario): Promise<void> {
  const fixture = loopback();
  const { set } = fixture;
  const type = { ...createRequest().type, providerType: given.type.ProviderType };
  const request = createRequest({ type, tags: given.tags });
  const steps = then.steps as Step[];
  const created = await set.create(request, NEVER);
  const bootStartedAtMs = performance.now();
  const instance = await booted(set, created.instanceId);
  expect(performance.now() - bootStartedAtMs).toBeLessThan(10_000);
  expect(await failureOf(set.create(request, NEVER))).toMatchObject({ failure: { code: "quota" } });
  const listed = await set.list({}, NEVER);
  expect(listed).toHaveLength(steps[2]!.count);
  // Several are possible here, so the id is not the type's name, as it is in the original.
  expect(listed[0]!.providerType).toBe(steps[2]!.string);
  expect(listed[0]!.tags).toEqual(given.tags);
  const ssh = fixture.executor(instance);
  expect(await run(ssh, "echo ok")).toEqual({ exitCode: 0, stdout: "ok\n", stderr: "" });
  expect(await run(ssh, "echo fail && echo -n fail2 >&2 && false")).toEqual({
    exitCode: 1,
    stdout: "fail\n",
    stderr: "fail2",
  });
  expect(await run(ssh, "sudo whoami")).toEqual(await run(ssh, "whoami"));
  const stranger = fixture.executor(instance, KEYS.stranger.private);
  const refusal = await failureOf(run(stranger, "true"));
  expect(refusal.message).toMatch(new RegExp(steps[6]!.error_regex));
  await set.destroy(created.instanceId, NEVER);
  expect(await set.list({}, NEVER)).toHaveLength(steps[7]!.count);
  await set.create(request, NEVER);
  await failureOf(set.create(request, NEVER));
  expect(await set.list({}, NEVER)).toHaveLength(steps[10]!.count);
}

describeScenarios("driver.loopback.json", {
  runs: { "arv.loopback.lifecycle": lifecycle },
  skips: reason === undefined ? {} : { "arv.loopback.lifecycle": reason },
});
