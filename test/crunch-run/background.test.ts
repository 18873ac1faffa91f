import {
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { suggestsBrokenNode } from "../../src/crunch-run/broken-node.ts";
import { readScenarios } from "../support/scenarios.ts";
import { type ContainerApi, openContainerApi } from "./container-api.ts";
import { isAlive, openWorkerBox, UUID, waitUntil, type WorkerBox } from "./worker-box.ts";

interface Scenario {
  readonly id: string;
  readonly given: {
    readonly error?: string;
    readonly lockdir_files?: readonly { name: string; content: string; locked?: boolean }[];
    readonly lock_file_content?: string | null;
    readonly process?: string | null;
    readonly args?: readonly string[];
    readonly stdin?: string;
  };
  readonly then: {
    readonly exit?: number;
    readonly stdout?: string;
    readonly stderr_contains?: string;
    readonly files?: string;
    readonly content?: string;
    readonly exec_suffix?: readonly string[];
  };
}

let box: WorkerBox;
let api: ContainerApi | undefined;
beforeEach(() => {
  box = openWorkerBox();
});
afterEach(async () => {
  await box.close();
  await api?.close();
  api = undefined;
});

/** A process that ends `delay` after SIGTERM, and has told that it listens. */
async function slowQuitter(seconds: string): Promise<number> {
  const script = `trap 'sleep ${seconds}; exit 0' TERM; echo ready; while :; do sleep 0.01; done`;
  const child = box.spawn("sh", ["-c", script]);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child.pid ?? 0;
}

async function endedPid(): Promise<number> {
  const child = box.spawn("true", []);
  await new Promise((resolve) => child.once("exit", resolve));
  return child.pid ?? 0;
}

async function playList({ given, then }: Scenario): Promise<void> {
  for (const file of given.lockdir_files ?? []) {
    writeFileSync(`${box.lockDir}/${file.name}`, file.content);
    if (file.locked) await box.holdLock(`${box.lockDir}/${file.name}`);
  }
  const answer = await box.call(["--list"]);
  expect(answer).toMatchObject({ exit: then.exit, stdout: then.stdout });
  for (const file of given.lockdir_files ?? []) {
    expect(readFileSync(`${box.lockDir}/${file.name}`, "utf8")).toBe(file.content);
  }
  expect(answer.stderr !== "").toBe(then.files?.includes("message on stderr"));
}

async function playKill({ given, then }: Scenario): Promise<void> {
  if (given.lock_file_content) {
    const info = JSON.parse(given.lock_file_content);
    if (given.process === "no such process") info.PID = await endedPid();
    if (given.process?.startsWith("exits 300ms")) info.PID = await slowQuitter("0.3");
    writeFileSync(box.lockPath(), `${JSON.stringify(info)}\n`);
  }
  const answer = await box.call(["--kill", "15", UUID]);
  expect(answer.exit).toBe(then.exit);
}

const PLAYERS: Record<string, (scenario: Scenario, context: TestContext) => Promise<void> | void> =
  {
    "arv.crunchrun.broken_docker.default": ({ given }, context) => {
      expect(suggestsBrokenNode(given.error ?? "")).toBe(true);
      context.skip(
        "this runner has no docker engine; that the text marks a broken node was checked",
      );
    },
    "drv.crunchrun.list.5": playList,
    "drv.crunchrun.list.7": playList,
    "drv.crunchrun.kill.1": playKill,
    "drv.crunchrun.kill.2": playKill,
    "drv.crunchrun.kill.5": playKill,
    "drv.crunchrun.kill.6": playKill,
    "drv.crunchrun.detach_subcommand": async ({ then }) => {
      api = await openContainerApi(UUID, { command: ["sleep", "1000"] });
      const env = { ARVADOS_API_HOST: api.host, ARVADOS_API_TOKEN: "wrong" };
      // Slept through before the API is asked, so that the child stays to be looked at.
      const args = ["crunch-run", "--detach", "--sleep=60s", UUID];
      const { exit, stdout } = await box.call(args, { env });
      expect(exit).toBe(0);
      const commandLine = readFileSync(`/proc/${JSON.parse(stdout).PID}/cmdline`, "utf8").split(
        "\0",
      );
      const [, ...suffix] = (then.exec_suffix ?? []).filter(
        (arg: string) => arg !== "--detach" && arg !== UUID,
      );
      expect(commandLine.slice(2, -1)).toEqual([...suffix, "--detach", "--sleep=60s", UUID]);
    },
    "drv.crunchrun.detach_already_locked": async ({ then }) => {
      await box.holdLock(box.lockPath());
      const answer = await box.call(["--detach", UUID]);
      expect(answer).toMatchObject({ exit: then.exit, stdout: then.stdout });
      expect(answer.stderr).toContain(then.stderr_contains);
    },
    "drv.crunchrun.list_prices": async ({ given, then }) => {
      const answer = await box.call(given.args ?? [], { stdin: given.stdin ?? "" });
      expect(answer).toEqual({ exit: 0, stdout: "", stderr: "" });
      expect(then.content).toBe("stdin verbatim");
      expect(readFileSync(`${box.lockDir}/crunch-run-prices.json`, "utf8")).toBe(given.stdin);
      expect(readdirSync(box.lockDir)).toEqual(["crunch-run-prices.json"]);
    },
  };

describe("scenarios crunchrun.background", () => {
  for (const scenario of readScenarios<Scenario>("crunchrun.background")) {
    it(scenario.id, async (context) => {
      const play = PLAYERS[scenario.id];
      if (!play) throw new Error("no test plays this scenario");
      await play(scenario, context);
    });
  }
});

describe("--list", () => {
  it("does not read standard input unless asked to", async () => {
    expect(await box.call(["--list"])).toEqual({ exit: 0, stdout: "", stderr: "" });
  });

  it("removes a lock file that nobody holds and says nothing of it", async () => {
    writeFileSync(box.lockPath(), `{"UUID":"${UUID}","PID":1}\n`);
    expect(await box.list()).toBe("");
    expect(existsSync(box.lockPath())).toBe(false);
  });

  it("leaves an empty lock file alone: its runner is about to start", async () => {
    writeFileSync(box.lockPath(), "");
    expect(await box.list()).toBe("");
    expect(existsSync(box.lockPath())).toBe(true);
  });

  it("reports a held lock as stale when its process has ended, and also when its lock is shared", async () => {
    const other = "zzzzz-dz642-000000000000002";
    const pid = await endedPid();
    for (const uuid of [UUID, other]) {
      writeFileSync(box.lockPath(uuid), `{"UUID":"${uuid}","PID":${pid}}\n`);
    }
    await box.holdLock(box.lockPath());
    expect(await box.list()).toBe(`${UUID} stale\n`);
  });

  it("does not signal a stranger that got the pid of a dead runner", async () => {
    writeFileSync(box.lockPath(), "x");
    await box.holdLock(box.lockPath());
    const stranger = box.spawn("sleep", ["1000"]);
    writeFileSync(box.lockPath(), `{"UUID":"${UUID}","PID":${stranger.pid}}\n`);
    utimesSync(box.lockPath(), 1_700_000_000, 1_700_000_000);
    expect(await box.list()).toBe(`${UUID} stale\n`);
    expect((await box.call(["--kill", "15", UUID])).exit).toBe(0);
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
  });

  it("follows a lock folder that is a link", async () => {
    symlinkSync(box.lockDir, `${box.lockDir}-link`);
    writeFileSync(`${box.lockDir}/crunch-run-broken`, "");
    const env = { CRUNCH_RUN_LOCK_DIR: `${box.lockDir}-link` };
    expect(await box.call(["--list"], { env })).toMatchObject({ exit: 0, stdout: "broken\n" });
  });

  it("fails, naming the folder, when there is none", async () => {
    const answer = await box.call(["--list"], { env: { CRUNCH_RUN_LOCK_DIR: "/nonexistent" } });
    expect(answer).toMatchObject({ exit: 1, stdout: "" });
    expect(answer.stderr).toContain("/nonexistent");
  });

  it("waits for the all-lock before it removes anything", async () => {
    writeFileSync(box.lockPath(), `{"UUID":"${UUID}","PID":1}\n`);
    const holder = await box.holdLock(`${box.lockDir}/crunch-run-all.lock`);
    let isDone = false;
    const listing = box.list().finally(() => (isDone = true));
    await waitUntil("--list to wait in flock", () => flockWaits(box.lockDir));
    expect(isDone).toBe(false);
    expect(existsSync(box.lockPath())).toBe(true);
    holder.kill("SIGKILL");
    expect(await listing).toBe("");
    expect(existsSync(box.lockPath())).toBe(false);
  });
});

/** Whether a `flock -w` of a crunch-run of this box is at work. */
function flockWaits(lockDir: string): boolean {
  return readdirSync("/proc").some((pid) => {
    try {
      const isFlock = readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("flock\0-x\0-w");
      return isFlock && readFileSync(`/proc/${pid}/environ`, "utf8").includes(lockDir);
    } catch {
      return false;
    }
  });
}

describe("--kill", () => {
  it("fails when the process outlives its second", async () => {
    const pid = await slowQuitter("1000");
    writeFileSync(box.lockPath(), `{"UUID":"${UUID}","PID":${pid}}\n`);
    const answer = await box.call(["--kill", "15", UUID]);
    expect(answer.exit).toBe(1);
    expect(answer.stderr).toContain(`pid ${pid}`);
  });

  it.each(["", "garbage", `{"UUID":"${UUID}","PID":0}`, `{"UUID":"${UUID}"}`, "null"])(
    "refuses a lock file with %j",
    async (content) => {
      writeFileSync(box.lockPath(), content);
      expect((await box.call(["--kill", "15", UUID])).exit).toBe(1);
    },
  );
});

describe("usage", () => {
  it("exits 2 and shows the usage for a flag that it does not know", async () => {
    const answer = await box.call(["--cgroup-parent-subsystem=memory", UUID]);
    expect(answer).toMatchObject({ exit: 2, stdout: "" });
    expect(answer.stderr).toContain("usage: crunch-run");
  });

  it("exits 2 without a container", async () => {
    const answer = await box.call(["--detach"]);
    expect(answer.exit).toBe(2);
    expect(answer.stderr).toContain("missing required argument: container-uuid (try -help)");
  });

  it("prints help and version", async () => {
    expect((await box.call(["-help"])).stdout).toContain("--runtime-engine");
    expect((await box.call(["--version"])).stdout).toMatch(/^crunch-run \d+\.\d+\.\d+ /);
  });

  it.each(["docker", "singularity"])("refuses the engine %s and marks nothing", async (engine) => {
    const answer = await box.call(["--detach", `--runtime-engine=${engine}`, UUID]);
    expect(answer).toMatchObject({ exit: 1, stdout: "" });
    expect(answer.stderr).toContain(`"${engine}" is not supported by this runner`);
    expect(readdirSync(box.lockDir)).toEqual([]);
  });

  it("names the missing program where flock is not installed", async () => {
    const answer = await box.call(["--detach", UUID], { env: { PATH: "/nonexistent" } });
    expect(answer).toMatchObject({ exit: 1, stdout: "" });
    expect(answer.stderr).toContain("install util-linux");
  });
});
