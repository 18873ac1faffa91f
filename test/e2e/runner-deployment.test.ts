import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { InstanceDirectory } from "../../src/actors/instance-directory.ts";
import type { RunnerProgress } from "../../src/actors/runner-binary.ts";
import { Sessions } from "../../src/actors/sessions.ts";
import { WorkerCalls } from "../../src/actors/worker-calls.ts";
import { makeRunnerFile } from "../../src/cli/daemon/runner-file.ts";
import type { WorkerContext } from "../../src/machines/worker/worker.types.ts";
import { openContainerApi, type ContainerApi } from "../crunch-run/container-api.ts";
import { UUID, waitUntil } from "../crunch-run/worker-box.ts";
import { openBox } from "../support/daemon-box.ts";
import { FactSink } from "../support/fact-sink.ts";
import {
  BUILD_TIMEOUT_MS,
  noExecutable,
  pathWithoutNode,
  runnerExecutable,
} from "../support/runner-executable.ts";
import { closeSshd, executor, noSshd, startSshd, type Sshd } from "../support/sshd.ts";

const notRoot = userInfo().uid === 0 ? undefined : "as another user than root it takes sudo";
const reason = noExecutable ?? noSshd ?? notRoot;

let dir: string;
let api: ContainerApi | undefined;
afterEach(async () => {
  closeSshd();
  await api?.close();
  api = undefined;
  rmSync(dir, { recursive: true, force: true });
});

interface Host {
  readonly sshd: Sshd;
  readonly calls: WorkerCalls;
  readonly worker: WorkerContext;
  readonly told: RunnerProgress[];
  /** What is in the folder that the runner is copied to. */
  deployed(): string[];
}

/** A machine without Node, by a real sshd, and the dispatcher's way to it. `without`: what else it lacks. */
async function openHost(without: readonly string[] = []): Promise<Host> {
  dir = mkdtempSync(join(tmpdir(), "runner-deployment-"));
  const bin = pathWithoutNode(join(dir, "bin"));
  for (const name of without) rmSync(join(bin, name));
  const sshd = await startSshd([
    `SetEnv PATH=${bin} CRUNCH_RUN_LOCK_DIR=${dir} CRUNCH_RUN_DATA_DIR=${join(dir, "data")}`,
  ]);
  const sink = new FactSink();
  const known = sink.known.get("worker", sink.booting("i-1"));
  if (!known) throw new Error("no worker");
  const worker = { ...known.context, address: sshd.address };
  const directory = new InstanceDirectory();
  directory.set({
    instanceId: "i-1",
    providerType: "providertype1",
    address: sshd.address,
    remoteUser: userInfo().username,
    tags: {},
  });
  const told: RunnerProgress[] = [];
  const deployDirectory = join(dir, "deployed");
  const calls = new WorkerCalls({
    clusterId: "zzzzz",
    sessions: new Sessions(() => executor(sshd)),
    directory,
    bootProbeCommand: "! command -v node",
    crunchRunCommand: "crunch-run",
    deployDirectory,
    runnerBinary: makeRunnerFile("builtin"),
    runtimeEngine: "process",
    extraArguments: [],
    commandTimeoutMs: 60_000,
    stdinConfig: () =>
      JSON.parse(api?.stdinConfig({ CRUNCH_RUN_RETRY_MAX_MS: "100" }) ?? "null") as never,
    onConnected: () => {},
    onRunnerProgress: (progress) => void told.push(progress),
    clean: (text) => text,
  });
  return { sshd, calls, worker, told, deployed: () => readdirSync(deployDirectory) };
}

describe.skipIf(reason)(
  `the executable on a host without Node${reason ? `: ${reason}` : ""}`,
  () => {
    beforeAll(async () => void (await runnerExecutable()), BUILD_TIMEOUT_MS);

    it("is copied once, whole, and runs a container there", async () => {
      const { calls, worker, told, deployed } = await openHost();
      expect(await calls.bootProbe(worker)).toEqual({ ok: true });
      const both = await Promise.all([calls.deploy(worker), calls.deploy(worker)]);
      expect(both).toEqual([{ ok: true }, { ok: true }]);
      const [name = "", ...others] = deployed();
      expect(name).toMatch(/^crunch-run~[0-9a-f]{32}$/);
      expect(others).toEqual([]);
      expect(statSync(join(dir, "deployed", name)).mode & 0o777).toBe(0o755);
      const [first, last] = [told.at(0), told.at(-1)];
      expect(first).toMatchObject({ state: "begun", sentBytes: 0, isGzipped: true });
      expect(last).toMatchObject({ state: "copied", sentBytes: first?.totalBytes });
      expect(told.filter(({ state }) => state !== "underWay")).toHaveLength(2);

      told.length = 0;
      expect(await calls.deploy(worker)).toEqual({ ok: true });
      expect(told).toEqual([]);

      expect(await calls.list(worker)).toMatchObject({ ok: true, containerIds: [] });
      api = await openContainerApi(UUID, { command: ["sleep", "1000"] });
      const { record } = api;
      expect(await calls.start(worker, UUID)).toMatchObject({ outcome: "started" });
      await waitUntil("the start", () => record.state === "Running");
      expect(await calls.list(worker)).toMatchObject({ ok: true, containerIds: [UUID] });
      await calls.kill(worker, UUID, 15);
      await waitUntil("the end", async () => (await calls.kill(worker, UUID, 15)).gone);
      expect(record.state).toBe("Cancelled");
      expect(await calls.list(worker)).toMatchObject({ ok: true, containerIds: [] });
    });

    it("is copied as it is where there is no gzip", async () => {
      const { calls, worker, told } = await openHost(["gzip"]);
      expect(await calls.deploy(worker)).toEqual({ ok: true });
      expect(told.at(-1)).toMatchObject({ state: "copied", isGzipped: false });
      expect(await calls.list(worker)).toMatchObject({ ok: true });
    });

    it("leaves nothing of a copy that is cut, and is copied anew", async () => {
      const { sshd, calls, worker, told, deployed } = await openHost();
      const cut = calls.deploy(worker);
      await waitUntil("a part to be sent", () => (told.at(-1)?.sentBytes ?? 0) > 5_000_000);
      sshd.drop();
      expect(await cut).toMatchObject({ ok: false });
      expect(told.at(-1)?.state).toBe("failed");
      await waitUntil("the part to go", () => deployed().length === 0);
      expect(await calls.deploy(worker)).toEqual({ ok: true });
      expect(deployed()).toHaveLength(1);
    });
  },
);

const title = "a daemon with DeployRunnerBinary: builtin";
describe.skipIf(noExecutable)(`${title}${noExecutable ? `: ${noExecutable}` : ""}`, () => {
  beforeAll(async () => void (await runnerExecutable()), BUILD_TIMEOUT_MS);

  it("copies it to a new worker, runs a container by it and tells of both", async () => {
    dir = mkdtempSync(join(tmpdir(), "runner-deployment-"));
    const deployed = { DeployRunnerBinary: "builtin", DeployRunnerDirectory: dir };
    const box = openBox({ config: { Containers: { CloudVMs: deployed } } });
    await box.start();
    // The command's parent is the runner.
    const uuid = await box.submit("cat /proc/$PPID/cmdline | tr '\\0' ' '");
    await box.until("the container has ended", 60_000, async () => {
      return (await box.container(uuid)).state === "Complete";
    });
    expect(box.log()).toMatch(/runner is being copied to worker.*Gzipped=true/);
    expect(box.log()).toMatch(/runner has been copied to worker/);
    const { stdout } = await box.cli("logs", uuid);
    expect(stdout).toContain(`${dir}/crunch-run~`);
  });
});
