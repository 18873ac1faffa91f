import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { explanationText } from "../../src/cli/explain-text.ts";
import { writeDaemonFile } from "../../src/cli/daemon-file.ts";
import { loadOrMakeTokens } from "../../src/cli/token-file.ts";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import { openQueueStore } from "../../src/drivers/queue/embedded/store.ts";
import { parseLossless } from "../../src/drivers/queue/arvados/json.ts";
import { explanationFromWire } from "../../src/http/explain-wire.ts";
import { makeQueueRoutes } from "../../src/http/queue-routes.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { journalOfBuilder, tell } from "../support/told-journal.ts";
import { openServer } from "../http/test-server.ts";
import { CONTAINERS_COUNT, writeSampleJournal } from "./sample-journal.ts";
import { makeTempDir, runCli, writeConfig } from "./test-io.ts";

let path = "";
let records: JournalRecord[] = [];

beforeAll(async () => {
  path = await writeSampleJournal(mkdtempSync(join(tmpdir(), "explain-")));
  const journal = openJournal({ path, mode: "read", nowMs: () => 0 });
  records = [...journal.read()];
  await journal.close();
}, 60_000);

afterAll(() => rmSync(dirname(path), { recursive: true, force: true }));

async function explainedJson(id: string) {
  const { exitCode, stdout } = await runCli(["explain", "--journal", path, "--json", id]);
  expect(exitCode).toBe(0);
  return explanationFromWire(JSON.parse(stdout));
}

function createsIn(): { workerId: string; instanceId: string }[] {
  return records.flatMap(({ fact }) => (fact.type === "create.succeeded" ? fact : []));
}

/** A config whose dispatcher keeps its things in `dataDir`. */
function configFor(dataDir: string): string {
  return writeConfig({ DispatchCloud: { DataDir: dataDir, Queue: { Driver: "embedded" } } });
}

describe("explain", () => {
  it("puts the answer on the first line, and what it rests on below", async () => {
    const { exitCode, stdout, stderr } = await runCli([
      "explain",
      "--journal",
      path,
      containerId(3),
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const lines = stdout.split("\n");
    expect(lines[0]).toBe(`${containerId(3)} succeeded, with exit code 0`);
    expect(lines[1]).toMatch(/^ {2}at 20\d\d-.*Z, .* ago$/);
    expect(stdout).toMatch(/^ {2}- ran on type4 i-\d+; .*exited: /m);
    expect(stdout).toMatch(/^WAITED$/m);
    expect(stdout).toMatch(
      /atMaxInstances: Waiting in queue\. .*\n.* while MaxInstances is 3: as many exist/,
    );
    expect(stdout).toMatch(/lock: next in the queue, .*container\.lock .* \(done\)$/m);
    expect(stdout).toContain(`Journal     ${path}, records `);
  });

  it("explains every container and instance of a run with nothing but recorded reasons", async () => {
    const decided = new Set(
      records.flatMap(({ decisions }) => decisions.map(({ reason }) => reason)),
    );
    for (let n = 1; n <= CONTAINERS_COUNT; n++) {
      const told = await explainedJson(containerId(n));
      if (told.kind !== "container") throw new Error("no container");
      expect(told).toMatchObject({ record: "Complete", known: false, coverage: { missing: "" } });
      expect(told.runs.length).toBeGreaterThan(0);
      for (const { startReason } of told.runs) expect(decided).toContain(startReason);
      for (const { decisions } of told.steps)
        for (const { reason } of decisions) expect(decided).toContain(reason);
      // One reason after another, never two at once.
      told.waits.reduce((before, wait) => {
        expect(wait.fromSeq).toBeGreaterThanOrEqual(before);
        return wait.toSeq ?? Infinity;
      }, 0);
    }
    const creates = createsIn();
    expect(creates.length).toBeGreaterThan(0);
    for (const { workerId, instanceId } of creates) {
      const told = await explainedJson(instanceId);
      if (told.kind !== "worker") throw new Error("no worker");
      expect(told).toMatchObject({ workerId, instanceId, known: false });
      expect(decided).toContain(told.created?.reason);
      expect(told.answer.text).toMatch(/^was destroyed: /);
      expect(told.shutdown?.step.transitions.at(-1)?.to).toBe("worker.lifecycle.shutdown");
      expect(told.gone?.seq).toBeGreaterThan(told.shutdown?.seq ?? Infinity);
      expect(told.cost.amount).toBeGreaterThan(0);
    }
  }, 60_000);

  it("reads the journal of a config's data directory where no dispatcher answers", async () => {
    const config = configFor(dirname(path));
    const outcome = await runCli(["explain", "--config", config, containerId(1)]);
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(outcome.stdout).toContain(path);
    writeDaemonFile(dirname(path), { pid: 1, url: "http://127.0.0.1:1", startedAt: "" });
    const dead = await runCli(["explain", "--config", config, containerId(1)]);
    expect(dead).toMatchObject({ exitCode: 0, stdout: outcome.stdout });
  });

  it("tells how things stood at a record or a time", async () => {
    const id = containerId(3);
    const locked = records.find(({ commands }) =>
      commands.some((each) => each.kind === "container.lock" && each.containerId === id),
    );
    const { seq, fact } = locked ?? expect.fail("it was never locked");
    const at = (moment: string, ...more: string[]) =>
      runCli(["explain", "--journal", path, "--at", moment, ...more, id]);
    const then = await at(String(seq), "--json");
    expect(explanationFromWire(JSON.parse(then.stdout))).toMatchObject({
      known: true,
      end: null,
      coverage: { toSeq: seq, asOfMs: fact.atMs },
    });
    const last = records.findLast((record) => record.fact.atMs <= fact.atMs);
    const byTime = await at(new Date(fact.atMs).toISOString(), "--json");
    expect(byTime.stdout).toBe((await at(String(last?.seq), "--json")).stdout);
    const early = await at("1");
    expect(early.stderr).toMatch(/ names no container and no instance .* up to record 1\n$/);
    const beyond = await at(String(records.length + 1));
    expect(beyond).toMatchObject({ exitCode: 1, stdout: "" });
    expect(beyond.stderr).toContain(
      `--at: record ${records.length + 1} is not within records 1 to ${records.length}`,
    );
  });

  it("fails and says where it looked for what nobody knows", async () => {
    const unknown = await runCli(["explain", "--journal", path, "i-unknown"]);
    expect(unknown).toMatchObject({ exitCode: 1, stdout: "" });
    expect(unknown.stderr).toMatch(
      /the journal .*journal\.db \(records 1 to \d+, from .*Z to .*Z\) names no container and no instance i-unknown\n$/,
    );
    const dataDir = join(makeTempDir(), "data");
    mkdirSync(dataDir);
    const nowhere = await runCli(["explain", "--config", configFor(dataDir), "i-unknown"]);
    expect(nowhere.exitCode).toBe(1);
    expect(nowhere.stderr).toContain(`no dispatcher runs on ${dataDir}`);
    expect(nowhere.stderr).toContain(`there is no journal at ${join(dataDir, "journal.db")}`);
    const missing = await runCli(["explain", "--journal", join(dataDir, "x.db"), "i-unknown"]);
    expect(missing).toMatchObject({ exitCode: 1, stdout: "" });
    expect(missing.stderr).toContain("no journal at");
  });

  it.each([
    [["explain"], "expected CONTAINER|INSTANCE"],
    [["explain", ""], "found an empty text"],
    [["explain", "--at", "noon", "i-1"], 'found "noon", expected a record\'s number or a time'],
    [["explain", "--journal", "a", "--config", "b", "i-1"], "one of the two says where to look"],
  ])("%j is wrong usage", async (args, message) => {
    const outcome = await runCli(args);
    expect(outcome).toMatchObject({ exitCode: 2, stdout: "" });
    expect(outcome.stderr).toContain(message);
  });
});

describe("explain, asking the dispatcher", () => {
  async function openDispatcher() {
    const dataDir = makeTempDir();
    const { systemRootToken, managementToken } = loadOrMakeTokens(dataDir);
    const store = openQueueStore({
      path: join(dataDir, "queue.db"),
      clusterId: "zzzzz",
      attemptsMax: 3,
      nowMs: () => Date.now(),
    });
    onTestFinished(() => store.close());
    const builder = new CoreBuilder({ maxInstances: 1 }).dispatching();
    builder.instance("i-1", "type1", [containerId(9)]);
    builder.container(containerId(1), { priority: "90071992547409930001" });
    builder.plan();
    const journal = await journalOfBuilder(builder);
    const server = await openServer(builder, {
      managementToken,
      view: {
        journal,
        explain: (id, _, atSeq) => tell(journal, id, { nowMs: builder.nowMs, atSeq }),
      },
      queueRoutes: makeQueueRoutes({ store, tokens: [systemRootToken], parseJson: parseLossless }),
    });
    writeDaemonFile(dataDir, { pid: process.pid, url: server.url, startedAt: "" });
    return { config: configFor(dataDir), server, builder };
  }

  it("shows the same as from the journal", async () => {
    const { config, builder, server } = await openDispatcher();
    const outcome = await runCli(["explain", "--config", config, containerId(1)]);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: "" });
    expect(outcome.stdout).toMatch(
      new RegExp(
        `^${containerId(1)} waits: .* at the limit of MaxInstances 1\\.\\n {2}since .*, 0ms ago\\n`,
      ),
    );
    expect(outcome.stdout).toContain("  - MaxInstances is 1: as many exist");
    expect(outcome.stdout).toContain("priority 90071992547409930001");
    expect(outcome.stdout).toContain(`the dispatcher at ${server.url}`);
    const json = await runCli(["explain", "--config", config, "--json", containerId(1)]);
    expect(json.stdout).toContain('"priority":90071992547409930001,');
    const told = await tell(await journalOfBuilder(builder), "i-1");
    const worker = await runCli(["explain", "--config", config, "--json", "i-1"]);
    expect(explanationFromWire(JSON.parse(worker.stdout))).toEqual(told);
  });

  it("passes a moment on", async () => {
    const { config, builder } = await openDispatcher();
    const { seq } = builder.core;
    const at = (moment: string) =>
      runCli(["explain", "--config", config, "--json", "--at", moment, containerId(1)]);
    expect(JSON.parse((await at(String(seq))).stdout)).toMatchObject({ coverage: { to_seq: seq } });
    const early = await at("1");
    expect(early).toMatchObject({ exitCode: 1, stdout: "" });
    expect(early.stderr).toMatch(/ names no container and no instance .* up to record 1\n$/);
    const beyond = await at(String(seq + 1));
    expect(beyond.stderr).toContain(`400 Bad Request: at: record ${seq + 1} is not within records`);
  });

  it("names the container when it is asked about its request", async () => {
    const { config } = await openDispatcher();
    const submitted = await runCli(["submit", "--config", config, "--json", "--", "true"]);
    const request = JSON.parse(submitted.stdout) as { uuid: string; container_uuid: string };
    const outcome = await runCli(["explain", "--config", config, request.uuid]);
    expect(outcome).toMatchObject({ exitCode: 1, stdout: "" });
    expect(outcome.stderr).toContain(
      `it is a container request: dispatch-cloud explain ${request.container_uuid}`,
    );
  });

  it("lets no text from outside steer the terminal or break the lines", async () => {
    const builder = new CoreBuilder().dispatching().instance("i-1", "type1", [containerId(1)]);
    const reason = "red \u001b[31m\n  - fake line";
    builder.feed({ type: "shutdown.requested", workerId: "i-1", reason });
    const told = await tell(await journalOfBuilder(builder), "i-1");
    if (!told) throw new Error("nothing is known of it");
    const text = explanationText(told, "a journal");
    expect(text).toContain("red  [31m   - fake line");
    expect(text.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});
