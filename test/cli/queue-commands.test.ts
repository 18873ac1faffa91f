import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { removeDaemonFile, writeDaemonFile } from "../../src/cli/daemon-file.ts";
import { loadOrMakeTokens } from "../../src/cli/token-file.ts";
import { openQueueStore } from "../../src/drivers/queue/embedded/store.ts";
import { parseLossless } from "../../src/drivers/queue/arvados/json.ts";
import { makeQueueRoutes } from "../../src/http/queue-routes.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { openServer } from "../http/test-server.ts";
import { makeTempDir, runCli, testIo, writeConfig } from "./test-io.ts";
import { runProgram } from "../../src/cli/program.ts";

/** A dispatcher's HTTP side with its embedded queue on disk; nobody dispatches. */
async function openQueue() {
  const dataDir = makeTempDir();
  const { systemRootToken, managementToken } = loadOrMakeTokens(dataDir);
  const store = openQueueStore({
    path: join(dataDir, "queue.db"),
    clusterId: "zzzzz",
    attemptsMax: 3,
    nowMs: () => Date.now(),
  });
  onTestFinished(() => store.close());
  const builder = new CoreBuilder().dispatching();
  const server = await openServer(builder, {
    managementToken,
    queueRoutes: makeQueueRoutes({ store, tokens: [systemRootToken], parseJson: parseLossless }),
  });
  writeDaemonFile(dataDir, {
    pid: process.pid,
    url: server.url,
    startedAt: "2026-01-01T00:00:00Z",
  });
  const config = writeConfig({
    DispatchCloud: { DataDir: dataDir, Queue: { Driver: "embedded" } },
  });
  const authId = store.authIdOf(systemRootToken);
  const cli = (...args: string[]) => {
    const end = args.indexOf("--");
    const flags = end === -1 ? args : args.slice(0, end);
    return runCli([...flags, "--config", config, ...(end === -1 ? [] : args.slice(end))]);
  };
  return {
    dataDir,
    config,
    builder,
    server,
    store,
    cli,
    submit: async (...args: string[]) => (await cli("submit", ...args)).stdout.trim(),
    lock: (uuid: string) => store.lock(uuid, authId),
    update: (uuid: string, changes: object) => store.updateContainer(uuid, changes, authId),
    container: (uuid: string) => JSON.parse(store.get("containers", uuid, null)),
    finish(uuid: string, exitCode: number) {
      store.lock(uuid, authId);
      store.updateContainer(uuid, { state: "Running" }, authId);
      store.updateContainer(uuid, { state: "Complete", exit_code: exitCode }, authId);
    },
  };
}

const UUID = /^zzzzz-dz642-[a-z0-9]{15}$/;

describe("submit", () => {
  it("puts a container with all that was asked for into the queue and prints its uuid", async () => {
    const { cli, container } = await openQueue();
    const flags = ["--vcpus=2", "--ram=1GiB", "--priority=900", "--max-run-time=90500ms"];
    const more = ["--env", "A=1=2", "--env", "B=", "--cwd", "sub", "--name", "a name"];
    const outcome = await cli("submit", ...flags, ...more, "--", "sh", "-c", "exit $A", "--json");
    expect(outcome).toMatchObject({ exitCode: 0, stderr: "" });
    const uuid = outcome.stdout.trim();
    expect(uuid).toMatch(UUID);
    expect(container(uuid)).toMatchObject({
      state: "Queued",
      command: ["sh", "-c", "exit $A", "--json"],
      environment: { A: "1=2", B: "" },
      cwd: "sub",
      runtime_constraints: { vcpus: 2, ram: 2 ** 30 },
      scheduling_parameters: { max_run_time: 91 },
    });
  });

  it("prints the request as JSON", async () => {
    const { cli } = await openQueue();
    const { stdout } = await cli("submit", "--json", "--", "true");
    expect(JSON.parse(stdout)).toMatchObject({
      priority: 500,
      container_uuid: expect.stringMatching(UUID),
    });
  });

  it.each([
    [["--vcpus", "0"], '--vcpus: found "0", expected a whole number from 1'],
    [["--priority", "1001"], "expected a whole number from 1 to 1000"],
    [["--ram", "2GB!"], '--ram: found "2GB!", expected a size'],
    [["--max-run-time", "5"], '--max-run-time: found "5", expected a duration'],
    [["--env", "=x"], '--env: found "=x", expected NAME=VALUE'],
    [["--env", "x"], '--env: found "x", expected NAME=VALUE'],
  ])("%j is wrong usage", async (flags, message) => {
    const outcome = await runCli(["submit", ...flags, "--", "true"]);
    expect(outcome).toMatchObject({ exitCode: 2, stdout: "" });
    expect(outcome.stderr).toContain(message);
  });

  it("without a command is wrong usage, and to a controller's queue a failure", async () => {
    expect(await runCli(["submit"])).toMatchObject({ exitCode: 2 });
    const config = writeConfig({
      Services: { DispatchCloud: { InternalURLs: { "http://h:1/": {} } } },
    });
    const outcome = await runCli(["submit", "--config", config, "--", "true"]);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toContain("this cluster's queue is a controller's");
  });

  it("tells what the queue refuses, and why", async () => {
    const { cli } = await openQueue();
    const { exitCode, stderr } = await cli("submit", "--name", "n".repeat(1001), "--", "true");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("422");
    expect(stderr).toContain("container_request.name");
  });

  it("--wait exits as the command did, and with 1 when it was cancelled", async () => {
    const queue = await openQueue();
    const { config, finish } = queue;
    const waiting = async (end: (uuid: string) => void) => {
      const { io, stdout, stderr } = testIo();
      const exitCode = runProgram(["submit", "--wait", "--config", config, "--", "true"], io);
      await expect.poll(() => stdout().trim()).toMatch(UUID);
      end(stdout().trim());
      return { exitCode: await exitCode, stderr: stderr() };
    };
    expect(await waiting((uuid) => finish(uuid, 3))).toEqual({ exitCode: 3, stderr: "" });
    expect(await waiting((uuid) => finish(uuid, 0))).toEqual({ exitCode: 0, stderr: "" });
    const cancelled = await waiting((uuid) => {
      queue.lock(uuid);
      queue.update(uuid, { runtime_status: { error: "no room" } });
      queue.update(uuid, { state: "Cancelled" });
    });
    expect(cancelled.exitCode).toBe(1);
    expect(cancelled.stderr).toMatch(/was cancelled: no room/);
  });
});

describe("cancel", () => {
  it("cancels what waits, by the container's uuid or its request's", async () => {
    const { cli, submit, container } = await openQueue();
    const uuid = await submit("--", "true");
    expect(await cli("cancel", uuid)).toMatchObject({ exitCode: 0, stdout: "" });
    expect(container(uuid)).toMatchObject({ state: "Cancelled", priority: 0 });
    const named = await cli("submit", "--json", "--name", "night\u001b[2Jly", "--", "true");
    const request = JSON.parse(named.stdout);
    expect(await cli("cancel", request.uuid)).toMatchObject({
      exitCode: 0,
      stderr: `${request.uuid} (night [2Jly): cancelling\n`,
    });
    expect(container(request.container_uuid).state).toBe("Cancelled");
  });

  it("does the others when one is unknown or has ended, and exits 1", async () => {
    const { cli, submit, container, finish } = await openQueue();
    const [ended, open] = [await submit("--", "true"), await submit("--", "true")];
    finish(ended, 0);
    const unknown = "zzzzz-dz642-000000000000000";
    const { exitCode, stderr } = await cli("cancel", unknown, ended, open);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${unknown}: the queue knows no such container`);
    expect(stderr).toContain(`${ended}: it has ended already`);
    expect(container(open).state).toBe("Cancelled");
  });

  it("takes uuids only", async () => {
    const { exitCode, stderr } = await runCli(["cancel", "../../etc/passwd"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("is no container: expected a uuid");
  });
});

describe("ps", () => {
  it("shows what waits with its reason, in the dispatcher's order, and with --all what has ended", async () => {
    const { cli, submit, builder, finish } = await openQueue();
    const [low, high] = [
      await submit("--", "true"),
      await submit("--name", "urgent", "--", "true"),
    ];
    const done = await submit("--", "false");
    finish(done, 1);
    const unseen = await submit("--", "true");
    builder.container(low, { priority: "1" }).container(high, { priority: "2" }).plan();
    const lines = (await cli("ps")).stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^CONTAINER +NAME +STATE +PRIORITY +INSTANCE +AGE +STATUS$/);
    expect(lines.slice(1).map((line) => line.split(/ +/)[0])).toEqual([high, low, unseen]);
    expect(lines[1]).toContain("urgent");
    expect(lines[3]).toContain("Not seen by the dispatcher yet.");
    const all = (await cli("ps", "--all")).stdout;
    expect(all).toMatch(new RegExp(`${done} .*Complete \\(1\\)`));
  });

  it("prints a line of JSON for each with --json, and says so when there are none", async () => {
    const { cli, submit } = await openQueue();
    expect((await cli("ps")).stdout).toBe("no containers\n");
    const uuid = await submit("--priority", "7", "--", "true");
    expect(JSON.parse((await cli("ps", "--json")).stdout)).toMatchObject({
      container_uuid: uuid,
      state: "Queued",
      priority: 7,
      instances: [],
      exit_code: null,
    });
  });
});

describe("status", () => {
  it("shows state, fleet, queue, alarms and journal on one screen", async () => {
    const { cli, builder } = await openQueue();
    builder.instance("i-1", "type1").container("zzzzz-dz642-000000000000001").plan();
    const { exitCode, stdout } = await cli("status");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("dispatching");
    expect(stdout).toContain("ALARMS  none");
    expect(stdout).toContain("FLEET   1 instance, 0.12 an hour");
    expect(stdout).toMatch(/idle +type1 +1 /);
    expect(stdout).toContain("QUEUE   1 containers: 1 Queued");
    expect(stdout).toContain("JOURNAL 7 records, 4KiB, 1 checkpoints");
  });

  it("prints what the dispatcher tells with --json, and again with --watch until interrupted", async () => {
    const { cli, config } = await openQueue();
    expect(JSON.parse((await cli("status", "--json")).stdout)).toMatchObject({
      state: "dispatching",
    });
    const interrupt = new AbortController();
    const { io, stdout } = testIo({ interrupted: interrupt.signal });
    const ended = runProgram(["status", "--watch", "--json", "--config", config], io);
    await expect.poll(() => stdout().split("\n").length, { timeout: 5_000 }).toBeGreaterThan(2);
    interrupt.abort();
    expect(await ended).toBe(0);
  });
});

describe("stop", () => {
  it("asks with its reason, and waits until the dispatcher is gone", async () => {
    const dataDir = makeTempDir();
    const { managementToken } = loadOrMakeTokens(dataDir);
    const asked: unknown[] = [];
    const server = await openServer(undefined, {
      managementToken,
      onStop: async (request) => void asked.push(request),
    });
    const file = { pid: 1, url: server.url, startedAt: "2026-01-01T00:00:00Z" };
    writeDaemonFile(dataDir, file);
    const embedded = { DataDir: dataDir, Queue: { Driver: "embedded" } };
    const args = ["stop", "--config", writeConfig({ DispatchCloud: embedded })];
    expect(await runCli([...args, "--no-wait"])).toMatchObject({ exitCode: 0 });
    const waiting = runCli([...args, "--drain", "--reason", "moving"]);
    await expect.poll(() => asked.length).toBe(2);
    removeDaemonFile(dataDir, file.pid);
    await server.close();
    expect(await waiting).toMatchObject({ exitCode: 0, stdout: "" });
    expect(asked).toEqual([
      { drain: false, reason: "" },
      { drain: true, reason: "moving" },
    ]);
    writeDaemonFile(dataDir, file);
    expect((await runCli(args)).stderr).toContain("no dispatcher answers");
  });
});

describe("logs", () => {
  const UUID_1 = "zzzzz-dz642-000000000000001";
  function keep(dataDir: string, files: Record<string, string>): string {
    const folder = join(dataDir, "containers", UUID_1);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  }

  it("prints each stream where it belongs, also when no dispatcher runs", async () => {
    const dataDir = makeTempDir();
    keep(dataDir, { "stdout.log": "out\n", "stderr.log": "err\n" });
    const embedded = { DataDir: dataDir, Queue: { Driver: "embedded" } };
    const args = ["logs", "--config", writeConfig({ DispatchCloud: embedded }), UUID_1];
    expect(await runCli(args)).toEqual({ exitCode: 0, stdout: "out\n", stderr: "err\n" });
    expect(await runCli([...args, "--stdout"])).toMatchObject({ stdout: "out\n", stderr: "" });
    expect(await runCli([...args, "--stderr"])).toMatchObject({ stdout: "", stderr: "err\n" });
  });

  it("says what is known where nothing is kept, and takes uuids only", async () => {
    const { cli, submit } = await openQueue();
    const uuid = await submit("--", "true");
    const waiting = await cli("logs", uuid);
    expect(waiting.exitCode).toBe(1);
    expect(waiting.stderr).toContain("the container is Queued");
    const unknown = await cli("logs", UUID_1);
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toContain("the queue knows no such container");
    expect((await cli("logs", "../tokens.json")).exitCode).toBe(2);
  });

  it("--follow goes on, over a new attempt too, until the container has ended", async () => {
    const { config, dataDir, submit, finish } = await openQueue();
    const uuid = await submit("--", "true");
    const { io, stdout } = testIo();
    const ended = runProgram(["logs", "-f", "--stdout", "--config", config, uuid], io);
    const folder = join(dataDir, "containers", uuid);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "stdout.log"), "one\n");
    await expect.poll(stdout, { timeout: 5_000 }).toBe("one\n");
    appendFileSync(join(folder, "stdout.log"), "two\n");
    renameSync(join(folder, "stdout.log"), join(folder, "stdout.1.log"));
    writeFileSync(join(folder, "stdout.log"), "three\n");
    await expect.poll(stdout, { timeout: 5_000 }).toBe("one\ntwo\nthree\n");
    appendFileSync(join(folder, "stdout.log"), "last\n");
    finish(uuid, 0);
    expect(await ended).toBe(0);
    expect(stdout()).toBe("one\ntwo\nthree\nlast\n");
  });
});
