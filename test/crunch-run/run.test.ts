import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { attemptToken, type ContainerApi, openContainerApi, TOKEN } from "./container-api.ts";
import { isAlive, openWorkerBox, UUID, waitUntil, type WorkerBox } from "./worker-box.ts";

let box: WorkerBox;
let api: ContainerApi;
afterEach(async () => {
  await box.close();
  await api.close();
});

/** A locked container with this command on a fresh worker. */
async function given(
  command: readonly string[],
  fields: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  box = openWorkerBox(env);
  api = await openContainerApi(UUID, { command, ...fields });
}

/** A cgroup that holds no more; undefined where this user may not make one. It goes when the test has ended. */
function memoryGroup(bytes: number): string | undefined {
  const name = `crunch-run-test-${process.pid}`;
  const places = [
    { path: `/sys/fs/cgroup/memory/${name}`, limit: "memory.limit_in_bytes" },
    { path: `/sys/fs/cgroup/${name}`, limit: "memory.max" },
  ];
  for (const { path, limit } of places) {
    try {
      mkdirSync(path);
      onTestFinished(() => rmdirSync(path));
      if (!existsSync(`${path}/${limit}`)) continue;
      writeFileSync(`${path}/${limit}`, String(bytes));
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

const sh = (script: string): string[] => ["sh", "-c", script];

async function detach(env?: Readonly<Record<string, string>>): Promise<number> {
  const stdin = api.stdinConfig(env);
  const args = ["--detach", "--stdin-config", "--runtime-engine=process", UUID];
  const { exit, stdout, stderr } = await box.call(args, { stdin });
  expect(stderr).toBe("");
  expect(exit).toBe(0);
  const info = JSON.parse(stdout) as { UUID: string; PID: number };
  expect(info.UUID).toBe(UUID);
  return info.PID;
}

const stateIs = (state: string): Promise<void> =>
  waitUntil(`the container to be ${state}`, () => api.record.state === state);

const output = (text: string): Promise<void> =>
  waitUntil(`${text} in stdout.log`, () => box.dataFile("stdout.log").includes(text));

const ended = (pid: number): Promise<void> => waitUntil(`pid ${pid} to end`, () => !isAlive(pid));

describe("a container's life", () => {
  it("goes from Locked over Running to Complete with its exit code, and its output is kept", async () => {
    await given(sh("echo to out; echo to err >&2; exit 3"));
    const pid = await detach();
    await stateIs("Complete");
    await ended(pid);
    expect(api.updates).toEqual([{ state: "Running" }, { state: "Complete", exit_code: 3 }]);
    expect(box.dataFile("stdout.log")).toBe("to out\n");
    expect(box.dataFile("stderr.log")).toBe("to err\n");
    expect(await box.list()).toBe("");
    expect(readdirSync(box.lockDir)).toEqual(["crunch-run-all.lock"]);
  });

  it("is listed as soon as --detach has answered, and every probe leaves it alive", async () => {
    await given(["sleep", "1000"]);
    const pid = await detach();
    for (let probe = 0; probe < 5; probe++) expect(await box.list()).toBe(`${UUID}\n`);
    await stateIs("Running");
    expect(isAlive(pid)).toBe(true);
    expect(readFileSync(box.lockPath(), "utf8")).toBe(`{"UUID":"${UUID}","PID":${pid}}\n`);
  });

  it("survives SIGUSR2 from the moment on that --detach has answered", async () => {
    await given(["true"]);
    const args = ["--detach", "--stdin-config", "--sleep=60s", UUID];
    const { stdout } = await box.call(args, { stdin: api.stdinConfig() });
    const { PID } = JSON.parse(stdout) as { PID: number };
    process.kill(PID, "SIGUSR2");
    expect(await box.list()).toBe(`${UUID}\n`);
    expect(isAlive(PID)).toBe(true);
    expect((await box.call(["--kill", "15", UUID])).exit).toBe(0);
  });

  it("keeps as much of its output as its limit allows, says what was cut, and lets it run on", async () => {
    const script =
      "head -c 300000 /dev/zero | tr '\\0' x; echo short > /dev/stderr; echo more > /dev/stdout; exit 4";
    await given(sh(script));
    const pid = await detach({ CRUNCH_RUN_LOG_MAX_BYTES: "1000" });
    await stateIs("Complete");
    await ended(pid);
    const warning = "stdout.log: 299005 bytes were cut, its limit is 1000 bytes";
    expect(api.updates.slice(-2)).toEqual([
      { runtime_status: { warning } },
      { state: "Complete", exit_code: 4 },
    ]);
    expect(box.dataFile("stderr.log")).toBe("short\n");
    const said =
      "299005 bytes of output were cut: beyond the limit of 1000 (DispatchCloud.Logs.MaxBytes)";
    expect(box.dataFile("stdout.log")).toBe(`${"x".repeat(1000)}\n[crunch-run: ${said}]\n`);
    expect(box.dataFile("crunch-run.log")).toContain("stdout.log: 299005 bytes were cut");
  });

  it("loses nothing of an output within its limit", async () => {
    await given(sh("head -c 300000 /dev/zero | tr '\\0' x; (sleep 0.2; echo late) & echo first"));
    const pid = await detach({ CRUNCH_RUN_LOG_MAX_BYTES: "1000000" });
    await stateIs("Complete");
    await ended(pid);
    expect(box.dataFile("stdout.log")).toBe(`${"x".repeat(300_000)}first\n`);
    expect(readdirSync(`${box.dataDir}/${UUID}`).sort()).toEqual([
      "crunch-run.log",
      "stderr.log",
      "stdout.log",
      "work",
    ]);
  });

  it("records 128 + n for a command that died of signal n", async () => {
    await given(sh("kill -SEGV $$"));
    await detach();
    await stateIs("Complete");
    expect(api.record["exit_code"]).toBe(139);
  });

  it("says that memory ran out, where the kernel ended the command for that", async (ctx) => {
    const group = memoryGroup(30_000_000);
    if (!group) return ctx.skip("only root may make a memory cgroup (version 1 or 2)");
    await given(sh(`echo $$ > ${group}/cgroup.procs; exec tail /dev/zero`));
    await detach();
    await stateIs("Complete");
    const said = expect.stringMatching(/^out of memory: the kernel ended .*process/);
    expect(api.updates).toEqual([
      { state: "Running" },
      { runtime_status: { warning: said } },
      { state: "Complete", exit_code: 137 },
    ]);
  });

  it("says nothing of memory when somebody else killed the command", async () => {
    await given(sh("kill -KILL $$"));
    await detach();
    await stateIs("Complete");
    expect(api.updates.at(-1)).toEqual({ state: "Complete", exit_code: 137 });
    expect(api.updates).toHaveLength(2);
  });

  it("gives the command its environment and a fresh working folder, and never the runner's token", async () => {
    await given(sh('echo "$GREETING"; pwd; env; touch left'), {
      environment: { GREETING: "hello", PATH: "/bin:/usr/bin" },
    });
    await detach({ GatewayAuthSecret: "gatewaysecret", InstanceType: '{"Price":1}' });
    await stateIs("Complete");
    const lines = box.dataFile("stdout.log").split("\n");
    expect(lines.slice(0, 2)).toEqual(["hello", `${box.dataDir}/${UUID}/work`]);
    expect(lines).toContain("PATH=/bin:/usr/bin");
    const everything = lines.join("\n") + box.dataFile("crunch-run.log");
    for (const secret of [TOKEN, "secretsecret", "ARVADOS_API", "gatewaysecret", "InstanceType"]) {
      expect(everything).not.toContain(secret);
    }
  });

  it("keeps the files of earlier attempts", async () => {
    await given(sh("echo first; touch made"));
    await ended(await detach());
    for (const text of ["second", "third"]) {
      Object.assign(api.record, { state: "Locked", command: sh(`echo ${text}; ls`) });
      await ended(await detach());
    }
    const names = ["stdout.1.log", "stdout.2.log", "stdout.log"];
    expect(names.map((name) => box.dataFile(name))).toEqual(["first\n", "second\n", "third\n"]);
    expect(existsSync(`${box.dataDir}/${UUID}/work.1/made`)).toBe(true);
  });

  it("runs in an absolute working folder", async () => {
    await given(["pwd"], { cwd: "/usr/share" });
    await detach();
    await stateIs("Complete");
    expect(box.dataFile("stdout.log")).toBe("/usr/share\n");
  });

  it("ends what the command left behind in the background, its own session or not", async () => {
    await given(sh("sleep 1000 & echo $!; setsid sleep 1000 & echo $!; sleep 0.2"));
    const pid = await detach();
    await stateIs("Complete");
    await ended(pid);
    const pids = box.dataFile("stdout.log").trim().split("\n").map(Number);
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(await box.list()).toBe("");
  });

  it("adds up the cost", async () => {
    await given(sh("sleep 0.3"));
    await detach({ InstanceType: JSON.stringify({ Name: "small", Price: 3600 }) });
    await stateIs("Complete");
    expect(api.record["cost"]).toBeGreaterThan(0.3);
    expect(api.record["cost"]).toBeLessThan(15);
  });

  it("runs in the foreground too, locked and listed all the same", async () => {
    await given(["sleep", "1000"]);
    const env = { ARVADOS_API_HOST: api.host, ARVADOS_API_TOKEN: TOKEN };
    const running = box.call([UUID], { env });
    await stateIs("Running");
    expect(await box.list()).toBe(`${UUID}\n`);
    expect((await box.call(["--kill", "15", UUID])).exit).toBe(0);
    expect((await running).exit).toBe(1);
    expect(api.record.state).toBe("Cancelled");
  });
});

describe("a command that cannot start", () => {
  it.each([
    [["/nonexistent/program"], {}, "/nonexistent/program"],
    [["/etc/passwd"], {}, "not executable"],
    [[], {}, "has no command"],
    [["true"], { cwd: "/nonexistent/folder" }, "working directory /nonexistent/folder"],
    [["true"], { cwd: "../../.." }, "leads out of"],
  ])("cancels %j %j, saying why", async (command, fields, text) => {
    await given(command, fields);
    const pid = await detach();
    await stateIs("Cancelled");
    await ended(pid);
    expect((api.record["runtime_status"] as { error: string }).error).toContain(text);
    expect(await box.list()).toBe("");
  });
});

describe("stopping", () => {
  it("sends SIGTERM to the whole group, once, and reports Cancelled", async () => {
    const script = "trap 'echo got it; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
    await given(sh(`sh -c "${script}" & ${script}`));
    const pid = await detach();
    await waitUntil("both to listen", () => box.dataFile("stdout.log").split("ready").length === 3);
    expect((await box.call(["--kill", "15", UUID])).exit).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(api.record.state).toBe("Cancelled");
    expect(api.record["exit_code"]).toBeUndefined();
    expect(box.dataFile("stdout.log").split("got it").length).toBe(3);
    expect(await box.list()).toBe("");
  });

  it("kills what ignores SIGTERM after the grace, and reports when nothing is left", async () => {
    await given(
      sh("trap '' TERM; sh -c 'echo $$; while :; do sleep 0.01; done' & echo $$; wait"),
      {},
      { CRUNCH_RUN_STOP_GRACE_MS: "300" },
    );
    const pid = await detach();
    await waitUntil("two pids", () => box.dataFile("stdout.log").trim().split("\n").length === 2);
    const pids = box.dataFile("stdout.log").trim().split("\n").map(Number);
    const aliveAtReport: boolean[] = [];
    api.intercept = (method) => {
      if (method === "PUT") aliveAtReport.push(pids.some(isAlive));
      return undefined;
    };
    process.kill(pid, "SIGTERM");
    await ended(pid);
    expect(aliveAtReport).toEqual([false]);
    expect(api.record.state).toBe("Cancelled");
  });

  it("cancels a container that has used up its time, saying so", async () => {
    await given(["sleep", "1000"], { scheduling_parameters: { max_run_time: 1 } });
    await ended(await detach());
    expect(api.record.state).toBe("Cancelled");
    expect(api.record["runtime_status"]).toEqual({
      error: "maximum run time exceeded: the container was stopped after 1 s",
    });
  });

  it("stops the command and reports nothing when the record is no longer ours", async () => {
    await given(sh("echo $$; exec sleep 1000"), {}, { CRUNCH_RUN_WATCH_MS: "50" });
    const pid = await detach();
    await output("\n");
    Object.assign(api.record, { state: "Cancelled", locked_by_uuid: null });
    const updatesCount = api.updates.length;
    await ended(pid);
    expect(isAlive(Number(box.dataFile("stdout.log")))).toBe(false);
    expect(api.updates.length).toBe(updatesCount);
  });

  it("gives a container that it has not begun back to the queue", async () => {
    await given(["true"]);
    api.intercept = (method) => (method === "PUT" ? 503 : undefined);
    const pid = await detach();
    await waitUntil("a refused PUT", () => box.dataFile("crunch-run.log").includes("set Running"));
    process.kill(pid, "SIGTERM");
    await ended(pid);
    expect(api.record.state).toBe("Queued");
  });
});

describe("a runner with the token of one attempt", () => {
  const TOKEN_OF_ATTEMPT = { ARVADOS_API_TOKEN: attemptToken(UUID) };

  it("takes its container from Locked to its end, and shows the token to nobody", async () => {
    await given(sh("tr '\\0' '\\n' </proc/$PPID/environ; env"));
    await ended(await detach(TOKEN_OF_ATTEMPT));
    expect(api.record).toMatchObject({ state: "Complete", exit_code: 0 });
    for (const name of ["stdout.log", "stderr.log", "crunch-run.log"])
      expect(box.dataFile(name)).not.toContain("5ec2e7");
  });

  it("stops the command and reports nothing once its attempt is over", async () => {
    await given(sh("echo $$; exec sleep 1000"), {}, { CRUNCH_RUN_WATCH_MS: "50" });
    const pid = await detach(TOKEN_OF_ATTEMPT);
    await output("\n");
    const command = Number(box.dataFile("stdout.log"));
    api.intercept = () => 403;
    await ended(pid);
    expect(isAlive(command)).toBe(false);
    expect(api.updates).toEqual([{ state: "Running" }]);
  });

  it("does not begin what is over", async () => {
    await given(sh("echo ran"));
    api.intercept = (method) => (method === "PUT" ? 403 : undefined);
    await ended(await detach(TOKEN_OF_ATTEMPT));
    expect(box.dataFile("stdout.log")).toBe("");
  });

  it("does not go on to report what nobody takes any more", async () => {
    await given(sh("echo done"));
    api.intercept = (method) =>
      method === "PUT" && api.record.state === "Running" ? 403 : undefined;
    await ended(await detach(TOKEN_OF_ATTEMPT));
    expect(box.dataFile("crunch-run.log")).toMatch(/set Complete: .*403/);
  });

  it("says the same again when an answer was lost", async () => {
    await given(sh("exit 5"));
    const said: string[] = [];
    api.intercept = (method) => {
      if (method !== "PUT" || api.record.state !== "Running") return undefined;
      said.push(method);
      return said.length < 3 ? 502 : undefined;
    };
    await ended(await detach(TOKEN_OF_ATTEMPT));
    expect(api.record).toMatchObject({ state: "Complete", exit_code: 5 });
  });

  it("goes on trying with a site's token, of which a 403 says less", async () => {
    await given(sh("exit 5"));
    let refusedCount = 0;
    api.intercept = (method) => {
      if (method !== "PUT" || api.record.state !== "Running") return undefined;
      return ++refusedCount < 3 ? 403 : undefined;
    };
    await ended(await detach());
    expect(api.record).toMatchObject({ state: "Complete", exit_code: 5 });
  });
});

describe("the record's rules", () => {
  it.each([
    [{ state: "Queued", locked_by_uuid: null }, "container is Queued"],
    [{ state: "Running" }, "container is Running"],
    [{ locked_by_uuid: "zzzzz-gj3su-999999999999999" }, "locked by another token"],
  ])("does not run with %j", async (fields, text) => {
    await given(sh("echo ran"), fields);
    await ended(await detach());
    expect(api.updates).toEqual([]);
    expect(box.dataFile("stdout.log")).toBe("");
    expect(box.dataFile("crunch-run.log")).toContain(text);
  });

  it("refuses bad standard input before it detaches, without showing it", async () => {
    await given(["true"]);
    for (const stdin of ["", `{"Env": "${TOKEN}"`, `{"Env":{"X":1,"Y":"${TOKEN}"}}`, "[]"]) {
      const answer = await box.call(["--detach", "--stdin-config", UUID], { stdin });
      expect(answer).toMatchObject({ exit: 1, stdout: "" });
      expect(answer.stderr).toContain("standard input");
      expect(answer.stderr).not.toContain(TOKEN);
    }
    expect(readdirSync(box.lockDir)).toEqual([]);
  });

  it("hands on a cluster config that is larger than any pipe", async () => {
    await given(["true"]);
    const config = JSON.parse(api.stdinConfig()) as Record<string, unknown>;
    const stdin = JSON.stringify({ ...config, Cluster: { padding: "x".repeat(3_000_000) } });
    const answer = await box.call(["--detach", "--stdin-config", UUID], { stdin });
    expect(answer.exit).toBe(0);
    await stateIs("Complete");
  });
});

describe("an API that is away", () => {
  it("is waited for at the start and at the end, with the lock held", async () => {
    await given(sh("echo done; exit 7"));
    let isAway = true;
    let mayEnd = false;
    let refusedCount = 0;
    api.intercept = () => {
      // Away again from the first call on that finds it Running: its command ends at once.
      const refuses = isAway || (!mayEnd && api.record.state === "Running");
      if (refuses) refusedCount++;
      return refuses ? 502 : undefined;
    };
    const pid = await detach();
    await waitUntil("refused calls", () => refusedCount > 1);
    isAway = false;
    await stateIs("Running");
    await output("done");
    const before = refusedCount;
    await waitUntil("refused reports", () => refusedCount > before + 2);
    expect(await box.list()).toBe(`${UUID}\n`);
    expect((await box.call(["--detach", UUID])).stderr).toContain("lock ");
    mayEnd = true;
    await ended(pid);
    expect(api.record).toMatchObject({ state: "Complete", exit_code: 7 });
  });

  it("does not keep a runner whose report is refused for good", async () => {
    await given(sh("echo done"));
    let isGone = false;
    api.intercept = (method) => {
      if (method === "PUT" && api.record.state === "Running") isGone = true;
      return isGone ? 404 : undefined;
    };
    await ended(await detach());
    expect(box.dataFile("crunch-run.log")).toContain("the container is gone");
  });

  it("leaves on SIGTERM after one more attempt", async () => {
    await given(sh("echo done"));
    api.intercept = (method) =>
      method === "PUT" && api.record.state === "Running" ? 503 : undefined;
    const pid = await detach();
    await waitUntil("a refused report", () =>
      box.dataFile("crunch-run.log").includes("set Complete"),
    );
    process.kill(pid, "SIGTERM");
    await ended(pid);
    expect(box.dataFile("crunch-run.log")).toContain("giving up");
  });

  it("takes the loss of an answer for what it is", async () => {
    await given(sh("exit 5"));
    const lost = new Set<string>();
    api.intercept = (method) => {
      const { state } = api.record;
      if (method !== "PUT" || lost.has(state)) return undefined;
      lost.add(state);
      // Carried out, but the answer is an error.
      Object.assign(api.record, { state: state === "Locked" ? "Running" : "Complete" });
      return 502;
    };
    const pid = await detach();
    await ended(pid);
    expect(box.dataFile("crunch-run.log")).toContain("container is Running");
    expect(box.dataFile("crunch-run.log")).toContain("container is Complete");
  });

  it("reports the state even where details are refused", async () => {
    await given(sh("exit 5"));
    let refusedCount = 0;
    api.intercept = (method) =>
      method === "PUT" && api.record.state === "Running" && refusedCount++ === 0 ? 422 : undefined;
    await ended(await detach({ InstanceType: '{"Price":1}' }));
    expect(api.updates.at(-1)).toEqual({ state: "Complete", exit_code: 5 });
  });
});

describe("a runner that is killed", () => {
  it("takes its command along", async () => {
    await given(sh("sleep 1000 & echo $!; echo $$; wait"));
    const pid = await detach();
    await waitUntil("two pids", () => box.dataFile("stdout.log").trim().split("\n").length === 2);
    const pids = box.dataFile("stdout.log").trim().split("\n").map(Number);
    // The command comes first: for an instant nothing would take it along.
    await waitUntil("its watchdog", () => childrenCount(pid) === 2);
    process.kill(pid, "SIGKILL");
    await waitUntil("the command to end", () => !pids.some(isAlive));
    expect(await box.list()).toBe("");
    expect(existsSync(box.lockPath())).toBe(false);
  });

  it("leaves the container locked, and listed as stale, while anything of it lives", async () => {
    await given(sh("setsid sleep 1000 & echo $!; wait"));
    const pid = await detach();
    await output("\n");
    const survivor = Number(box.dataFile("stdout.log"));
    await waitUntil("setsid", () => sessionOf(survivor) === survivor);
    process.kill(pid, "SIGKILL");
    await ended(pid);
    expect(isAlive(survivor)).toBe(true);
    expect(await box.list()).toBe(`${UUID} stale\n`);
    const again = await box.call(["--detach", "--stdin-config", UUID], {
      stdin: api.stdinConfig(),
    });
    expect(again).toMatchObject({ exit: 1, stdout: "" });
    expect(again.stderr).toContain("lock ");
    process.kill(survivor, "SIGKILL");
    await ended(survivor);
    expect(await box.list()).toBe("");
  });

  it("holds a lock that flock(1) sees, and respects one that flock(1) holds", async () => {
    await given(["sleep", "1000"]);
    const pid = await detach();
    expect(await flockSucceeds()).toBe(false);
    process.kill(pid, "SIGTERM");
    await ended(pid);
    // What the kernel still takes down may hold it for an instant.
    await waitUntil("a free lock", flockSucceeds);
    const holder = await box.holdLock(box.lockPath());
    expect((await box.call(["--detach", UUID])).exit).toBe(1);
    holder.kill("SIGKILL");
  });
});

function sessionOf(pid: number): number {
  return Number(statOf(pid)[3]);
}

function childrenCount(pid: number): number {
  const pids = readdirSync("/proc").map(Number).filter(isAlive);
  return pids.filter((other) => Number(statOf(other)[1]) === pid).length;
}

/** Its state and what follows in `/proc/PID/stat`; nothing of one that is gone. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

function flockSucceeds(): Promise<boolean> {
  const child = box.spawn("flock", ["-n", "-s", box.lockPath(), "true"]);
  return new Promise((resolve) => child.once("exit", (code) => resolve(code === 0)));
}

describe("a broken node", () => {
  it("gives the container back and is marked when the data folder cannot be made", async () => {
    await given(["true"]);
    writeFileSync(box.dataDir, "a file where the folder should be");
    await ended(await detach());
    expect(api.record.state).toBe("Queued");
    expect(await box.list()).toBe("broken\n");
  });

  it("calls the hook instead of marking itself", async () => {
    await given(["true"]);
    mkdirSync(`${box.lockDir}/../hook`);
    const hook = `${box.lockDir}/../hook/run`;
    writeFileSync(hook, `#!/bin/sh\ntouch ${box.lockDir}/../hook/called\n`, { mode: 0o755 });
    writeFileSync(box.dataDir, "");
    const args = ["--detach", "--stdin-config", `--broken-node-hook=${hook}`, UUID];
    const { stdout } = await box.call(args, { stdin: api.stdinConfig() });
    await ended((JSON.parse(stdout) as { PID: number }).PID);
    expect(existsSync(`${box.lockDir}/../hook/called`)).toBe(true);
    expect(await box.list()).toBe("");
  });
});
