import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { begun, present } from "../../../src/crunch-run/agent/handshake.ts";
import { openContainerApi, type ContainerApi } from "../container-api.ts";
import {
  isAlive,
  openWorkerBox,
  pidsWith,
  UUID,
  waitUntil,
  type Answer,
  type WorkerBox,
} from "../worker-box.ts";

const SECRET = "a secret that nobody may see";

let box: WorkerBox;
let dir: string;
let api: ContainerApi | undefined;
const closers: (() => void)[] = [];

beforeEach(() => {
  box = openWorkerBox();
  dir = join(box.dataDir, "agent");
});

afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await api?.close();
  api = undefined;
  await box.close();
});

function start(secret = SECRET, { at = "default", runner = "" } = {}): Promise<Answer> {
  return box.call(["--agent", at], { stdin: `${JSON.stringify({ secret, runner })}\n` });
}

function agentPid(): number {
  return Number(readFileSync(join(dir, "agent.lock"), "utf8"));
}

/** A dispatcher that keeps one stream open, whatever becomes of the agent. */
function dispatch({ host }: ContainerApi): void {
  let isOver = false;
  let stream: Socket | undefined;
  const target = new URL(host);
  const keep = async (): Promise<void> => {
    while (!isOver) {
      const mine = connect(join(dir, "agent.sock")).on("error", () => {});
      stream = mine;
      try {
        const identity = { secret: SECRET, runner: "" };
        await present(mine, identity, { role: "dispatcher", session: "s" });
        await begun(mine);
        const upstream = connect(Number(target.port), target.hostname).on("error", () => {});
        mine.pipe(upstream).pipe(mine);
      } catch {
        mine.destroy();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  void keep();
  closers.push(() => {
    isOver = true;
    stream?.destroy();
  });
}

async function runner(command: string): Promise<number> {
  api = await openContainerApi(UUID, { command: ["sh", "-c", command] });
  const config = JSON.parse(api.stdinConfig()) as { Env: Record<string, string> };
  // Where nobody listens: it must not go there.
  config.Env["ARVADOS_API_HOST"] = "http://127.0.0.1:9";
  const stdin = JSON.stringify({ ...config, ApiSocket: join(dir, "api.sock") });
  const { exit, stdout, stderr } = await box.call(["--detach", "--stdin-config", UUID], { stdin });
  expect(exit, stderr).toBe(0);
  return (JSON.parse(stdout) as { PID: number }).PID;
}

describe("crunch-run --agent", () => {
  it("starts one agent, in a folder and with sockets that are its user's alone", async () => {
    const answers = await Promise.all([start(), start(), start()]);
    const where = { AgentSocket: join(dir, "agent.sock"), ApiSocket: join(dir, "api.sock") };
    for (const answer of answers)
      expect(answer).toEqual({ exit: 0, stdout: `${JSON.stringify(where)}\n`, stderr: "" });
    const pid = agentPid();
    expect(isAlive(pid)).toBe(true);
    expect(await start()).toMatchObject({ exit: 0 });
    expect(agentPid()).toBe(pid);
    const modes = ["", "agent.sock", "api.sock", "agent.lock", "agent.log"].map(
      (name) => lstatSync(join(dir, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o600, 0o600]);
    expect(readFileSync(join(dir, "agent.log"), "utf8")).toMatch(/ agent pid \d+ listens\n/);
  });

  it("shows its secret neither in its arguments, environment nor log", async () => {
    await start();
    await start("another secret, of the next claim");
    expect(pidsWith(SECRET)).toEqual([]);
    expect(pidsWith("the next claim")).toEqual([]);
    expect(readFileSync(join(dir, "agent.log"), "utf8")).not.toMatch(/secret that|next claim/);
  });

  it("has a session of its own, which outlives the one that started it", async () => {
    await start();
    const pid = agentPid();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    expect(Number(session)).toBe(pid);
  });

  it("takes the place of one with another secret or of another runner", async () => {
    await start();
    const first = agentPid();
    expect(await start("another secret, of the next claim")).toMatchObject({ exit: 0 });
    const second = agentPid();
    const changed = { runner: "another runner" };
    expect(await start("another secret, of the next claim", changed)).toMatchObject({ exit: 0 });
    expect(new Set([first, second, agentPid()]).size).toBe(3);
    expect([isAlive(first), isAlive(second), isAlive(agentPid())]).toEqual([false, false, true]);
  });

  it("takes the place of one that hangs, and of one that was killed", async () => {
    await start();
    const first = agentPid();
    process.kill(first, "SIGSTOP");
    expect(await start()).toMatchObject({ exit: 0, stderr: "" });
    const second = agentPid();
    expect([isAlive(first), isAlive(second)]).toEqual([false, true]);
    process.kill(second, "SIGKILL");
    await waitUntil("the end", () => !isAlive(second));
    expect(existsSync(join(dir, "agent.sock"))).toBe(true);
    expect(await start()).toMatchObject({ exit: 0 });
    expect(isAlive(agentPid())).toBe(true);
  }, 40_000);

  it("kills nobody whom the lock file names and who does not hold it", async () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const holder = await box.holdLock(join(dir, "agent.lock"));
    chmodSync(join(dir, "agent.lock"), 0o600);
    const bystander = box.spawn("sleep", ["1000"]);
    writeFileSync(join(dir, "agent.lock"), `${bystander.pid}\n`);
    expect(await start()).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/agent\.lock: held by a process that is no agent\n$/),
    });
    expect(isAlive(bystander.pid ?? 0)).toBe(true);
    holder.kill("SIGKILL");
  }, 20_000);

  it("refuses a folder that is not its user's alone, a link, and a path too long for sockets", async () => {
    const open = join(box.lockDir, "open");
    mkdirSync(open, { mode: 0o755 });
    chmodSync(open, 0o755);
    const link = join(box.lockDir, "link");
    symlinkSync(open, link);
    const long = join(box.lockDir, "x".repeat(90));
    const words: [string, RegExp][] = [
      [open, /others may enter it \(mode 755, not 700\)/],
      [link, /not a folder/],
      [long, /longer than 90 bytes/],
      ["relative", /expected an absolute path/],
    ];
    for (const [at, message] of words)
      expect(await start(SECRET, { at })).toMatchObject({
        exit: 1,
        stderr: expect.stringMatching(message),
      });
    expect(existsSync(long)).toBe(false);
    expect(await box.call(["--agent", "default"], { stdin: `{"secret":"${SECRET}"}` })).toEqual({
      exit: 1,
      stdout: "",
      stderr: 'crunch-run: standard input: expected {"secret":"…","runner":"…"} with --agent\n',
    });
  });

  it("carries a container's life to the API", async () => {
    await start();
    const pid = await runner("exit 3");
    dispatch(api as ContainerApi);
    await waitUntil("the end", () => api?.record.state === "Complete" && !isAlive(pid));
    expect(api?.updates).toEqual([{ state: "Running" }, { state: "Complete", exit_code: 3 }]);
  });

  it("may die while a container runs: the runner tells the end to the next one", async () => {
    await start();
    const pid = await runner("sleep 0.3; exit 4");
    dispatch(api as ContainerApi);
    await waitUntil("the start", () => api?.record.state === "Running");
    process.kill(agentPid(), "SIGKILL");
    await waitUntil("the wish to tell the end", () =>
      box.dataFile("crunch-run.log").includes("set Complete: "),
    );
    expect(isAlive(pid)).toBe(true);
    await start();
    await waitUntil("the end", () => api?.record.state === "Complete" && !isAlive(pid));
    expect(api?.updates).toEqual([{ state: "Running" }, { state: "Complete", exit_code: 4 }]);
  });
});
