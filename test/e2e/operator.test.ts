import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import { openBox, type DaemonBox } from "../support/daemon-box.ts";

const SOON_MS = 30_000;

/** Fewer and slower to go away, so that a test can look at a worker that idles. */
const LAZY = { Containers: { CloudVMs: { TimeoutIdle: "1m" } } };

async function stateOf(box: DaemonBox, uuid: string): Promise<string> {
  return (await box.container(uuid)).state;
}

async function untilState(box: DaemonBox, uuid: string, state: string): Promise<void> {
  await box.until(`${uuid} is ${state}`, SOON_MS, async () => (await stateOf(box, uuid)) === state);
}

/** The command has begun: what it wrote first is there. */
async function untilWritten(box: DaemonBox, uuid: string): Promise<void> {
  const path = join(box.dataDir, "containers", uuid, "stdout.log");
  await box.until(`${uuid} writes`, SOON_MS, () => existsSync(path) && statSync(path).size > 0);
}

async function untilFleet(box: DaemonBox, instances: readonly string[]): Promise<void> {
  await box.until(`instances: ${instances.join(", ") || "none"}`, SOON_MS, async () => {
    const left = (await box.instances()).map(({ instance }) => instance);
    return JSON.stringify(left.sort()) === JSON.stringify([...instances].sort());
  });
}

/** The one instance that there is. */
async function onlyInstance(box: DaemonBox): Promise<string> {
  const [only, ...others] = await box.instances();
  expect(others).toEqual([]);
  return only?.instance ?? "";
}

/** Runs until `letGo`, and ends with this exit code then. */
const waiter = (box: DaemonBox, exitCode: number): [string, ...string[]] => [
  `echo begun; while [ ! -e "$GO" ]; do sleep 0.1; done; echo over; exit ${exitCode}`,
  "--env",
  `GO=${box.dir}/go`,
];
const letGo = (box: DaemonBox) => writeFileSync(join(box.dir, "go"), "");

const commandsOf = (box: DaemonBox) =>
  box.processes().filter(({ command }) => /^(sh|sleep) /.test(command));

describe("containers, from the command line", () => {
  it("submit --wait exits as the command does, and prints its uuid", async () => {
    const box = openBox();
    await box.start();
    const [good, bad] = await Promise.all([
      box.cli("submit", "--wait", "--", "true"),
      box.cli("submit", "--wait", "--json", "--", "sh", "-c", "exit 7"),
    ]);
    expect(good).toMatchObject({ code: 0, stderr: "" });
    expect(good.stdout.trim()).toMatch(new RegExp(`^${box.clusterId}-dz642-[a-z0-9]{15}$`));
    expect(bad.code).toBe(7);
    expect(JSON.parse(bad.stdout.trim().split("\n")[1] ?? "")).toMatchObject({
      state: "Complete",
      exit_code: 7,
    });
  });

  it("gives a command its environment, its folder and its time", async () => {
    const box = openBox();
    await box.start();
    const script = 'echo "$GREETING from $(pwd)"; echo "$ARVADOS_API_TOKEN" >&2';
    const uuid = await box.submit(script, "--env", "GREETING=hello", "--cwd", box.dir);
    const late = box.cli("submit", "--wait", "--max-run-time", "1s", "--", "sleep", "300");
    await untilState(box, uuid, "Complete");
    expect(await box.cli("logs", uuid)).toEqual({
      code: 0,
      stdout: `hello from ${box.dir}\n`,
      stderr: "\n",
    });
    const { code, stderr } = await late;
    expect(code).toBe(1);
    expect(stderr).toContain("was cancelled: maximum run time exceeded");
  });

  it("ps lists what waits and runs, and with --all what has ended", async () => {
    const box = openBox();
    await box.start();
    const ended = await box.submit("exit 3", "--name", "first");
    await untilState(box, ended, "Complete");
    const running = await box.submit("echo begun; sleep 300", "--name", "second");
    await untilWritten(box, running);
    const json = async (...args: string[]): Promise<Record<string, unknown>[]> =>
      (await box.cli("ps", "--json", ...args)).stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    await box.until("ps shows where it runs", SOON_MS, async () => {
      const [row] = await json();
      return row?.["state"] === "Running" && (row["instances"] as string[]).length === 1;
    });
    const [row, ...others] = await json();
    expect(others).toEqual([]);
    expect(row).toMatchObject({ container_uuid: running, name: "second", exit_code: null });
    expect(await json("--all")).toEqual([
      expect.objectContaining({ container_uuid: running }),
      expect.objectContaining({ container_uuid: ended, name: "first", exit_code: 3 }),
    ]);
    const { stdout } = await box.cli("ps", "--all");
    expect(stdout).toMatch(/^CONTAINER +NAME +STATE/);
    expect(stdout).toContain("Complete (3)");
  });

  it("logs --follow prints what comes until the end", async () => {
    const box = openBox();
    await box.start();
    const [script, ...flags] = waiter(box, 1);
    const uuid = await box.submit(`echo wrong >&2; ${script}`, ...flags);
    const following = box.startCli("logs", "--follow", uuid);
    await box.until("the first line is printed", SOON_MS, () => following.stdout() === "begun\n");
    letGo(box);
    expect(await following.ended).toEqual({ code: 0, stdout: "begun\nover\n", stderr: "wrong\n" });
  });

  it("logs are there when the worker is gone, and when no dispatcher runs", async () => {
    const box = openBox();
    await box.start();
    const uuid = await box.submit("echo kept; exit 2");
    await untilState(box, uuid, "Complete");
    await untilFleet(box, []);
    expect(await box.cli("logs", uuid)).toEqual({ code: 0, stdout: "kept\n", stderr: "" });
    expect(await box.endBy("SIGTERM")).toBe(0);
    expect(await box.cli("logs", uuid)).toEqual({ code: 0, stdout: "kept\n", stderr: "" });
    const unknown = await box.cli("logs", uuid.replace(/.{4}$/, "0000"));
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain("nothing is kept at");
  });

  it("cancel ends the whole process group of one that runs", async () => {
    const box = openBox();
    await box.start();
    const uuid = await box.submit("sleep 301 & sleep 302 & echo begun; wait");
    await untilWritten(box, uuid);
    expect(commandsOf(box).filter(({ command }) => command.startsWith("sleep"))).toHaveLength(2);
    expect((await box.cli("cancel", uuid)).code).toBe(0);
    await untilState(box, uuid, "Cancelled");
    await box.until("its processes are gone", SOON_MS, () => commandsOf(box).length === 0);
    await untilFleet(box, []);
    const again = await box.cli("cancel", uuid);
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toContain("it has ended already");
  });

  it("cancel ends one that waits without ever starting it", async () => {
    const box = openBox({ config: { Containers: { CloudVMs: { MaxInstances: 1 } } } });
    await box.start();
    const running = await box.submit("echo begun; sleep 300", "--vcpus", "4");
    await untilWritten(box, running);
    const waiting = await box.submit("echo never", "--vcpus", "4");
    await box.until("ps says why it waits", SOON_MS, async () => {
      const { stdout } = await box.cli("ps", "--json");
      const rows = stdout.trim().split("\n");
      const row = rows.map(
        (line) => JSON.parse(line) as { container_uuid: string; status: string },
      );
      const status = row.find(({ container_uuid }) => container_uuid === waiting)?.status ?? "";
      return status !== "" && !status.startsWith("Not seen");
    });
    expect((await box.cli("cancel", "--reason", "wrong input", waiting)).code).toBe(0);
    await untilState(box, waiting, "Cancelled");
    expect((await box.container(waiting)).runtime_status.error).toBe(
      "cancelled by an operator: wrong input",
    );
    expect(existsSync(join(box.dataDir, "containers", waiting))).toBe(false);
    expect(await stateOf(box, running)).toBe("Running");
  });
});

describe("instances, from the command line", () => {
  it("hold keeps one from new work and from going idle, run takes it back", async () => {
    const box = openBox();
    await box.start();
    const first = await box.submit("echo begun; sleep 1");
    await untilWritten(box, first);
    const held = await onlyInstance(box);
    expect(await box.cli("instance", "hold", "--reason", "to look at it", held)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`${held}: 200 OK`),
    });
    await untilState(box, first, "Complete");
    const second = await box.submit("echo begun; sleep 300");
    await untilWritten(box, second);
    const other = (await box.instances()).find(({ instance }) => instance !== held);
    expect(other?.running_container_uuids).toEqual([second]);
    await box.cli("cancel", second);
    // The other one goes after TimeoutIdle, the held one idles longer and stays.
    await untilFleet(box, [held]);
    const { stdout } = await box.cli("instance", "list", "--header");
    const [header, line] = stdout.split("\n");
    expect(header?.split("\t")[3]).toBe("idle-behavior");
    expect(line?.split("\t").slice(2, 4)).toEqual(["idle", "hold"]);
    expect((await box.cli("instance", "run", held)).code).toBe(0);
    await untilFleet(box, []);
  });

  it("drain lets a container end, and the instance goes then", async () => {
    const box = openBox({ config: LAZY });
    await box.start();
    const uuid = await box.submit(...waiter(box, 5));
    await untilWritten(box, uuid);
    const instance = await onlyInstance(box);
    expect((await box.cli("instance", "drain", instance)).code).toBe(0);
    await box.until("it shows as draining", SOON_MS, async () => {
      const [view] = await box.instances();
      return view?.idle_behavior === "drain" && view.worker_state === "running";
    });
    letGo(box);
    await untilFleet(box, []);
    expect(await box.container(uuid)).toMatchObject({ state: "Complete", exit_code: 5 });
  });

  it("kill ends one at once, with what runs on it", async () => {
    const box = openBox({ config: LAZY });
    await box.start();
    const uuid = await box.submit("echo begun; sleep 300");
    await untilWritten(box, uuid);
    const instance = await onlyInstance(box);
    expect((await box.cli("instance", "kill", instance)).code).toBe(0);
    await untilFleet(box, []);
    await untilState(box, uuid, "Cancelled");
    expect(box.processes()).toEqual([]);
    const unknown = await box.cli("instance", "kill", instance);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("404") });
  });
});

describe("the dispatcher itself, from the command line", () => {
  it("status tells fleet, queue and journal, in words and as JSON", async () => {
    const box = openBox({ config: LAZY });
    await box.start();
    const uuid = await box.submit("echo begun; sleep 300");
    await untilWritten(box, uuid);
    await box.until("status shows it", SOON_MS, async () => {
      const { stdout } = await box.cli("status", "--json");
      const status = JSON.parse(stdout) as { containers: { by_state: unknown }; state: string };
      const running = JSON.stringify(status.containers.by_state).includes("Running");
      return running && status.state === "dispatching";
    });
    const { stdout } = await box.cli("status", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      state: "dispatching",
      accepting: true,
      alarms: [],
      workers: [{ state: "running", instance_type: "small", count: 1 }],
    });
    const { stdout: screen } = await box.cli("status");
    expect(screen).toContain("ALARMS  none");
    expect(screen).toMatch(/^FLEET +1 instance\b/m);
  });

  it("stop leaves workers and containers alone, and the next start finds them", async () => {
    const box = openBox({ config: LAZY });
    await box.start();
    const uuid = await box.submit(...waiter(box, 6));
    await untilWritten(box, uuid);
    const instance = await onlyInstance(box);
    const stopped = await box.cli("stop", "--reason", "an upgrade");
    expect(stopped).toMatchObject({ code: 0 });
    expect(stopped.stderr).toContain("instances and containers go on running");
    expect(await box.ended()).toBe(0);
    expect(commandsOf(box)).not.toEqual([]);
    // It ends while nobody is there to tell.
    letGo(box);
    await box.until("the command has ended", SOON_MS, () => commandsOf(box).length === 0);
    const ps = await box.cli("ps");
    expect(ps.code).toBe(1);
    expect(ps.stderr).toContain("no dispatcher runs on");
    await box.start();
    await untilState(box, uuid, "Complete");
    expect(await box.container(uuid)).toMatchObject({ exit_code: 6 });
    expect(await onlyInstance(box)).toBe(instance);
  });

  it("stop --drain ends when the last worker is gone, and leaves what waits in the queue", async () => {
    const box = openBox({ config: { Containers: { CloudVMs: { MaxInstances: 1 } } } });
    await box.start();
    const running = await box.submit(...waiter(box, 8), "--vcpus", "4");
    await untilWritten(box, running);
    const waiting = await box.submit("true", "--vcpus", "4");
    await box.until("both are known", SOON_MS, async () => {
      const { stdout } = await box.cli("status");
      return /1 Running/.test(stdout) && /1 Queued/.test(stdout);
    });
    const stopping = box.startCli("stop", "--drain");
    await box.until("it drains", SOON_MS, async () => {
      const { stdout } = await box.cli("status");
      return stdout.includes("stopping");
    });
    letGo(box);
    const stopped = await stopping.ended;
    expect(stopped).toMatchObject({ code: 0 });
    expect(stopped.stderr).toMatch(/^waiting: 1 instances are left, 1 containers run, 1 wait/m);
    expect(stopped.stderr).toMatch(
      /stopped; no instance is left: 1 containers have ended, 1 instances were shut down, 1 containers wait in the queue\n$/,
    );
    expect(await box.ended()).toBe(0);
    expect(box.processes()).toEqual([]);
    await box.start();
    expect(await box.container(running)).toMatchObject({ state: "Complete", exit_code: 8 });
    await untilState(box, waiting, "Complete");
  });

  it("stop --drain says so when the dispatcher is killed before it has drained", async () => {
    const box = openBox({ config: LAZY });
    await box.start();
    await untilWritten(box, await box.submit("echo begun; sleep 300"));
    const stop = box.startCli("stop", "--drain");
    await box.until("it drains", SOON_MS, async () => {
      const { stdout } = await box.cli("status");
      return stdout.includes("stopping");
    });
    await box.kill();
    const { code, stderr } = await stop.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /no longer answers, and has not ended in order; at last 1 instances are left/,
    );
  });

  it("the examples of submit --help do what they say", async () => {
    const box = openBox();
    await box.start();
    const { stdout } = await box.cli("submit", "--help");
    const examples = stdout.split("Examples:\n")[1]?.trimEnd().split("\n") ?? [];
    expect(examples).toHaveLength(2);
    const [first, second] = await Promise.all(examples.map((line) => box.shell(line)));
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const uuid = first?.stdout.trim() ?? "";
    await untilState(box, uuid, "Complete");
    expect(await box.container(uuid)).toMatchObject({ exit_code: 0 });
    expect((await box.cli("logs", uuid)).stdout.trim()).toBe(hostname());
    expect(second?.stdout).toMatch(/\n3\n$/);
  });

  it("SIGTERM ends it with 0, and the log says what goes on without it", async () => {
    const box = openBox({ config: LAZY });
    await box.start();
    const uuid = await box.submit("echo begun; sleep 300");
    await untilWritten(box, uuid);
    await box.until("the worker lists it", SOON_MS, async () => {
      const [view] = await box.instances();
      return view?.running_container_uuids[0] === uuid;
    });
    expect(await box.endBy("SIGTERM")).toBe(0);
    const words = box
      .log()
      .split("\n")
      .find((line) => line.includes("are left alone"));
    expect(words).toMatch(/Workers=1\b.*RunningContainers=1\b/);
    expect(existsSync(join(box.dataDir, "daemon.json"))).toBe(false);
    expect(commandsOf(box)).not.toEqual([]);
  });

  it("logs what happens at level info, and not each look at its own queue", async () => {
    const box = openBox({ config: { SystemLogs: { LogLevel: "info", Format: "json" } } });
    await box.start();
    expect((await box.cli("submit", "--wait", "--", "true")).code).toBe(0);
    await untilFleet(box, []);
    const lines = box.log().trim().split("\n");
    const entries = lines.map(
      (line) => JSON.parse(line) as { msg: string; reqMethod?: string; reqPath?: string },
    );
    const messages = new Set(entries.map(({ msg }) => msg));
    for (const each of ["listening", "creating new instance", "instance disappeared in cloud"])
      expect(messages).toContain(each);
    const looks = entries.filter(
      ({ reqMethod, reqPath }) =>
        reqMethod === "GET" && reqPath?.startsWith("arvados/v1/containers"),
    );
    expect(looks).toEqual([]);
  });

  it("a second one on the same data directory refuses, and the first goes on", async () => {
    const box = openBox();
    await box.start();
    const second = await box.cli("run");
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(box.dataDir);
    expect(second.stderr).toContain(`pid ${box.pid}`);
    expect(await box.cli("submit", "--wait", "--", "true")).toMatchObject({ code: 0 });
  });

  it("tells everything that is wrong with a config at once, and exits 1", async () => {
    const box = openBox();
    box.configure({
      Containers: { StaleLockTimeout: "soon", CloudVMs: { MaxInstances: "many" } },
      DispatchCloud: { Queue: { Driver: "paper" } },
    });
    const run = await box.cli("run");
    expect(run.code).toBe(1);
    for (const path of ["StaleLockTimeout", "CloudVMs.MaxInstances", "Queue.Driver"])
      expect(run.stderr).toContain(
        `Clusters.${box.clusterId}.`.concat(
          path.includes("Queue") ? "DispatchCloud." : "Containers.",
          path,
        ),
      );
    expect(run.stderr).toContain('"soon"');
    const check = await box.cli("config", "check");
    expect(check.code).toBe(1);
  });

  it("exits 2 for wrong usage, with the way to the help", async () => {
    const box = openBox();
    for (const args of [["run", "--confg", "x"], ["submit"], ["instance", "hold"], ["fly"]]) {
      const { code, stdout, stderr } = await box.cli(...args);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: "" });
      expect(stderr).toMatch(/--help/);
    }
  });
});

describe("what a dispatcher finds at its start", () => {
  it("refuses a damaged journal with the way out, which works", async () => {
    const box = openBox({ config: LAZY });
    await box.start();
    const uuid = await box.submit(...waiter(box, 9));
    await untilWritten(box, uuid);
    const instance = await onlyInstance(box);
    await box.endBy("SIGTERM");
    damage(join(box.dataDir, "journal.db"));
    box.spawnDaemon();
    expect(await box.ended()).toBe(1);
    const words = box.logTail(5);
    expect(words).toMatch(/journal/);
    expect(words).toContain("journal check");
    expect((await box.cli("journal", "check", box.dataDir)).code).toBe(1);
    for (const name of readdirSync(box.dataDir).filter((name) => name.startsWith("journal.db")))
      renameSync(join(box.dataDir, name), join(box.dir, name));
    await box.start();
    letGo(box);
    await untilState(box, uuid, "Complete");
    expect(await box.container(uuid)).toMatchObject({ exit_code: 9 });
    expect(await onlyInstance(box)).toBe(instance);
  });

  it("makes tokens that only its user can read, and shows no secret anywhere", async () => {
    const box = openBox();
    await box.start();
    const uuid = await box.submit("echo begun; exit 1");
    await untilState(box, uuid, "Complete");
    await untilFleet(box, []);
    const mode = (name: string) => (statSync(join(box.dataDir, name)).mode & 0o777).toString(8);
    expect(mode("tokens.json")).toBe("600");
    expect(mode("dispatch_key")).toBe("600");
    await box.endBy("SIGTERM");
    const { systemRootToken, managementToken } = box.tokens();
    const key = readFileSync(join(box.dataDir, "dispatch_key"), "utf8").split("\n")[2] ?? "";
    expect(key.length).toBeGreaterThan(30);
    const { stdout: records } = await box.cli("journal", "export", box.dataDir);
    expect(records).toContain("container.added");
    const runnerLog = readFileSync(join(box.dataDir, "containers", uuid, "crunch-run.log"), "utf8");
    expect(runnerLog).toContain("container is Complete");
    for (const secret of [systemRootToken, managementToken, key])
      for (const [place, text] of Object.entries({ log: box.log(), records, runnerLog }))
        expect(text.includes(secret), place).toBe(false);
  });

  it("answers health and metrics to who has the token, and to nobody else", async () => {
    const box = openBox({ config: LAZY });
    await box.start();
    await box.cli("submit", "--wait", "--", "true");
    const health = await box.http("GET", "/_health/ping");
    expect(health.status).toBe(200);
    const open = await fetch(new URL("/metrics", box.url));
    expect(open.status).toBe(401);
    const text = await (await box.http("GET", "/metrics")).text();
    for (const name of SPEC_METRICS)
      expect(text).toContain(`# HELP arvados_dispatchcloud_${name} `);
    expect(text).toMatch(/^arvados_dispatchcloud_boot_outcomes\{outcome="success"\} 1$/m);
  });
});

/** Spec §12: those of every driver. */
const SPEC_METRICS = [
  "containers_running",
  "probe_age_seconds_max",
  "probe_age_seconds_median",
  "instances_total",
  "instances_price",
  "vcpus_total",
  "memory_bytes_total",
  "boot_outcomes",
  "instances_disappeared",
  "instances_time_to_ssh_seconds",
  "instances_time_to_ready_for_container_seconds",
  "instances_time_from_shutdown_request_to_disappearance_seconds",
  "containers_time_from_queue_to_crunch_run_seconds",
  "instances_run_probe_duration_seconds",
  "containers_allocated_not_started",
  "containers_not_allocated_over_quota",
  "containers_longest_wait_time_seconds",
  "last_503_time",
  "max_concurrent_containers",
  "at_quota",
  "queue_entries",
  "driver_operations",
];

/** Flips one bit of the newest record, in the file of a journal that was closed. */
function damage(path: string): void {
  const db = new Database(path);
  const sql = "SELECT body FROM batch ORDER BY first_seq DESC LIMIT 1";
  const { body } = db.prepare(sql).get() as { body: string };
  db.close();
  const bytes = readFileSync(path);
  const at = bytes.lastIndexOf(body.slice(0, 40)) + 30;
  expect(at).toBeGreaterThan(30);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
