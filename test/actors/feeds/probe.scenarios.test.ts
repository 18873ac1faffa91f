import { expect } from "vitest";
import { parseListing } from "../../../src/actors/crunch-run-commands.ts";
import { ProbeFeed } from "../../../src/actors/feeds/probe.feed.ts";
import { describeScenarios, type Scenario } from "../../drivers/scenarios.ts";
import { FactSink } from "../../support/fact-sink.ts";
import { binary, ScriptedSsh } from "../../support/scripted-ssh.ts";
import type { Answer } from "../../support/scripted-ssh.ts";
import { C1, WorkerRig } from "../../support/worker-rig.ts";

const MD5 = "0123456789abcdef0123456789abcdef";
const RUNNER = `/var/run/arvados/crunch-run~${MD5}`;

interface Response {
  readonly exit: number | "error";
  readonly stdout?: string;
  readonly stderr?: string;
}

function answerOf(responses: Record<string, Response | null>): (command: string) => Answer {
  return (command) => {
    const key = command.includes('; cat >"$dstfile"')
      ? "deploy (command containing '; cat >\"$dstfile\"')"
      : command.replace(RUNNER, command.startsWith("md5sum") ? "<runner>" : "<deployed runner>");
    const response = responses[key];
    if (!response) return { exitCode: 1, stderr: "no such command\n" };
    const { exit, stdout = "", stderr = "" } = response;
    return { exitCode: exit === "error" ? 1 : exit, stdout, stderr };
  };
}

function makeProbe(sink: FactSink, ssh: ScriptedSsh): ProbeFeed {
  return new ProbeFeed({
    supervisor: sink,
    clock: sink.clock,
    isListed: () => true,
    calls: ssh.calls,
    random: () => 0,
    probeIntervalMs: 600_000,
    maxProbesPerSecond: 1_000_000,
    onRunProbe: () => {},
    broke: (error) => {
      throw error;
    },
  });
}

/** One round of the very feed, against connections that answer as the case says. */
async function probeAndUpdate({ given, then }: Scenario): Promise<void> {
  const { worker } = given;
  const sink = new FactSink({
    timeoutBootingMs: given.timeout_booting_s * 1000,
    timeoutProbeMs: given.timeout_probe_s * 1000,
  });
  const ssh = new ScriptedSsh(answerOf(given.executor_responses), {
    runnerBinary: given.deploy_runner_binary ? binary(given.deploy_runner_binary, MD5) : undefined,
  });
  const feed = makeProbe(sink, ssh);
  const workerId = worker.state === "unknown" ? sink.unknown() : sink.booting();
  const isNew = worker.state === "unknown" || worker.state === "booting";
  if (worker.running.length > 0) sink.listing(workerId, worker.running, !isNew);
  else if (!isNew) sink.listing(workerId, []);
  for (const container of worker.starting)
    sink.decide([{ do: "start", container, worker: workerId, reason: "test" }]);
  await sink.advance(worker.probed_age_s * 1000);
  feed.start();
  await sink.advance(1_000);
  feed.stop();
  const { asserted } = then;
  const { state, running } = sink.worker(workerId);
  const seen = running.filter((id) => !worker.starting.includes(id));
  expect([state, seen.length]).toEqual([asserted.state, asserted.running_count]);
  expect(ssh.stdin).toBe(asserted.bytes_written_to_stdin);
}

describeScenarios("worker.probe.json", {
  runs: {
    "arv.worker.probe.*": probeAndUpdate,
    "drv.pool.parse_list.*": ({ given, then }) => {
      const { containerIds, broken, stale } = parseListing(given.stdout, given.cluster_id);
      expect({ running: containerIds, broken, stale_run_lock: stale }).toMatchObject({
        running: then.running,
        broken: then.broken,
        stale_run_lock: then.stale_run_lock,
      });
    },
    "drv.pool.stale_run_lock_timeout": ({ given, then }) => {
      const probed = (gaps: readonly boolean[]): boolean[] => {
        const rig = WorkerRig.running([C1], { timeoutStaleRunLockMs: 5_000 });
        const sinceMs = rig.nowMs;
        return given.probes.map(({ t }: { t: number }, index: number) => {
          rig.nowMs = sinceMs + t * 1000;
          rig.probed({ containerIds: [C1], stale: gaps[index] ?? true });
          return rig.behavior === "drain";
        });
      };
      expect(probed([])).toEqual(then.broken);
      expect(probed([true, false, true])).toEqual([false, false, false]);
    },
    "drv.pool.probe_sync_race": async ({ given, then }) => {
      const sink = new FactSink();
      let release = (): void => {};
      const listed = new Promise<void>((resolve) => (release = resolve));
      const ssh = new ScriptedSsh(async () => {
        await listed;
        return { stdout: given.listed.map((id: string) => `${id}\n`).join("") };
      });
      const feed = makeProbe(sink, ssh);
      const workerId = sink.booting();
      sink.listing(workerId, []);
      await sink.advance(given.probe_started * 1000);
      feed.start();
      await sink.advance(given.worker_updated_at * 1000);
      sink.decide([{ do: "start", container: C1, worker: workerId, reason: "test" }]);
      const before = sink.known.get("worker", workerId);
      await sink.advance((given.probe_result_at - given.worker_updated_at) * 1000);
      const goodBefore = feed.lastGoodProbeAtMs(workerId);
      release();
      await sink.advance(1);
      feed.stop();
      expect(feed.lastGoodProbeAtMs(workerId) > goodBefore).toBe(then.probed_refreshed);
      expect(sink.facts.at(-1)?.type).toBe("probe.succeeded");
      // Neither what runs there nor its state: the very snapshot from before.
      expect(sink.known.get("worker", workerId) !== before).toBe(then.running_changed);
    },
  },
});
