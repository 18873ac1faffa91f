import { describe, expect, it } from "vitest";
import {
  categoryOf,
  probeAges,
  type FleetSnapshot,
  type WorkerSample,
} from "../../src/telemetry/fleet.ts";
import { metricsJson } from "../../src/telemetry/metrics-json.ts";
import { makeMetrics } from "../../src/telemetry/metrics.ts";
import { readScenarios } from "../support/scenarios.ts";

const INFO = {
  version: "1.2.3",
  configSha256: "abc",
  configSourceAtMs: 1_000,
  configLoadedAtMs: 2_500,
};

const EMPTY: FleetSnapshot = {
  nowMs: 100_000,
  workers: [],
  instanceTypes: ["small"],
  queue: [],
  scheduler: {
    allocatedNotStarted: 0,
    notAllocatedOverQuota: 0,
    waitingSinceMs: null,
    last503AtMs: null,
    maxContainers: 0,
    atQuota: false,
  },
  journal: { lagMs: 0, bytes: 0 },
  alarms: { diskFull: false },
};

function worker(given: Partial<WorkerSample>): WorkerSample {
  return {
    state: "idle",
    idleBehavior: "run",
    instanceType: "small",
    price: 0.5,
    vcpus: 2,
    ram: 1000,
    runners: 0,
    lastGoodProbeAtMs: 99_000,
    ...given,
  };
}

function setUp(first: FleetSnapshot = EMPTY) {
  let snapshot = first;
  let taken = 0;
  const metrics = makeMetrics(INFO, () => {
    taken += 1;
    return snapshot;
  });
  return {
    metrics,
    takenCount: () => taken,
    async scrape(next: FleetSnapshot = snapshot): Promise<string[]> {
      snapshot = next;
      const text = await metrics.registry.metrics();
      return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    },
  };
}

describe("metrics", () => {
  it("have the names and types of the original, our own, and no others", async () => {
    const { metrics } = setUp();
    const text = await metrics.registry.metrics();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    const a = "arvados_dispatchcloud_";
    // Quota errors change it as well as 503s (specification §16.16).
    expect(text).toMatch(new RegExp(`^# HELP ${a}max_concurrent_containers .*quota.*503`, "m"));
    expect(types.sort()).toEqual(
      [
        `${a}containers_running gauge`,
        `${a}probe_age_seconds_max gauge`,
        `${a}probe_age_seconds_median gauge`,
        `${a}instances_total gauge`,
        `${a}instances_price gauge`,
        `${a}vcpus_total gauge`,
        `${a}memory_bytes_total gauge`,
        `${a}boot_outcomes counter`,
        `${a}instances_disappeared counter`,
        `${a}instances_time_to_ssh_seconds summary`,
        `${a}instances_time_to_ready_for_container_seconds summary`,
        `${a}instances_time_from_shutdown_request_to_disappearance_seconds summary`,
        `${a}containers_time_from_queue_to_crunch_run_seconds summary`,
        `${a}instances_run_probe_duration_seconds summary`,
        `${a}containers_allocated_not_started gauge`,
        `${a}containers_not_allocated_over_quota gauge`,
        `${a}containers_longest_wait_time_seconds gauge`,
        `${a}last_503_time gauge`,
        `${a}max_concurrent_containers gauge`,
        `${a}at_quota gauge`,
        `${a}queue_entries gauge`,
        `${a}driver_operations counter`,
        "arvados_version_running gauge",
        "arvados_config_source_timestamp_seconds gauge",
        "arvados_config_load_timestamp_seconds gauge",
        "request_duration_seconds summary",
        "time_to_status_seconds summary",
        "arvados_max_active_request_age_seconds gauge",
        "arvados_max_abandoned_request_age_seconds gauge",
        "arvados_concurrent_requests gauge",
        "arvados_max_concurrent_requests gauge",
        "arvados_max_queued_requests gauge",
        "arvados_queued_requests gauge",
        "arvados_queue_delay_seconds summary",
        "arvados_queue_timeout_seconds summary",
        "dispatchcloud_journal_lag_seconds gauge",
        "dispatchcloud_journal_bytes gauge",
        "dispatchcloud_journal_records_total counter",
        "dispatchcloud_journal_failed_commits_total counter",
        "dispatchcloud_facts_total counter",
        "dispatchcloud_facts_unchanged_total counter",
        "dispatchcloud_event_loop_delay_seconds gauge",
        "dispatchcloud_facts_dropped_total counter",
        "dispatchcloud_planner_duration_seconds histogram",
        "dispatchcloud_clock_jumps_total counter",
        "dispatchcloud_clock_offset_seconds gauge",
        "dispatchcloud_commands_total counter",
        "dispatchcloud_alarms gauge",
      ].sort(),
    );
  });

  it("begin with the series that a dashboard expects, at zero", async () => {
    const lines = await setUp().scrape();
    const a = "arvados_dispatchcloud_";
    for (const line of [
      ...["failure", "success", "aborted", "disappeared"].map(
        (o) => `${a}boot_outcomes{outcome="${o}"} 0`,
      ),
      ...["unknown", "booting", "idle", "running", "shutdown"].map(
        (s) => `${a}instances_disappeared{state="${s}"} 0`,
      ),
      ...["Create", "List", "Destroy", "SetTags"].flatMap((operation) =>
        ["0", "1"].map((e) => `${a}driver_operations{operation="${operation}",error="${e}"} 0`),
      ),
      ...["inuse", "hold", "booting", "unknown", "idle"].flatMap((category) => [
        `${a}instances_total{category="${category}",instance_type="small"} 0`,
        `${a}instances_price{category="${category}"} 0`,
        `${a}vcpus_total{category="${category}"} 0`,
        `${a}memory_bytes_total{category="${category}"} 0`,
      ]),
      `${a}instances_time_to_ssh_seconds{quantile="0.99"} Nan`,
      `${a}instances_time_to_ssh_seconds_count 0`,
      `${a}last_503_time 0`,
      "dispatchcloud_journal_failed_commits_total 0",
      'dispatchcloud_alarms{alarm="diskFull"} 0',
      'arvados_version_running{version="1.2.3"} 1',
      'arvados_config_source_timestamp_seconds{sha256="abc"} 1',
      'arvados_config_load_timestamp_seconds{sha256="abc"} 2.5',
    ]) {
      expect(lines).toContain(line);
    }
  });

  it("tell the fleet as it is at the scrape, from one snapshot", async () => {
    const { scrape, takenCount } = setUp();
    const lines = await scrape({
      ...EMPTY,
      workers: [
        worker({ state: "running", runners: 2, lastGoodProbeAtMs: 90_000 }),
        worker({ idleBehavior: "hold" }),
        worker({ state: "booting", instanceType: "old", lastGoodProbeAtMs: 95_000 }),
        worker({ state: "booting", price: 0.25 }),
      ],
      queue: [{ state: "Queued", instanceType: "", entries: 3 }],
      scheduler: {
        allocatedNotStarted: 1,
        notAllocatedOverQuota: 2,
        waitingSinceMs: 90_000,
        last503AtMs: 50_000,
        maxContainers: 7,
        atQuota: true,
      },
      journal: { lagMs: 250, bytes: 4096 },
      alarms: { diskFull: true },
    });
    const a = "arvados_dispatchcloud_";
    for (const line of [
      `${a}containers_running 2`,
      `${a}probe_age_seconds_max 10`,
      `${a}probe_age_seconds_median 1`,
      `${a}instances_total{category="inuse",instance_type="small"} 1`,
      `${a}instances_total{category="hold",instance_type="small"} 1`,
      `${a}instances_total{category="booting",instance_type="old"} 1`,
      `${a}instances_price{category="booting"} 0.75`,
      `${a}vcpus_total{category="booting"} 4`,
      `${a}memory_bytes_total{category="inuse"} 1000`,
      `${a}queue_entries{state="Queued",instance_type=""} 3`,
      `${a}containers_allocated_not_started 1`,
      `${a}containers_not_allocated_over_quota 2`,
      `${a}containers_longest_wait_time_seconds 10`,
      `${a}last_503_time 50`,
      `${a}max_concurrent_containers 7`,
      `${a}at_quota 1`,
      "dispatchcloud_journal_lag_seconds 0.25",
      "dispatchcloud_journal_bytes 4096",
      'dispatchcloud_alarms{alarm="diskFull"} 1',
    ]) {
      expect(lines).toContain(line);
    }
    expect(takenCount()).toBe(1);
  });

  it("drop the series of a type, state or alarm that is no longer there", async () => {
    const { scrape } = setUp();
    const before = await scrape({
      ...EMPTY,
      workers: [worker({ instanceType: "old" })],
      queue: [{ state: "Locked", instanceType: "old", entries: 1 }],
    });
    expect(before.join("\n")).toContain('instance_type="old"');
    const after = await scrape({ ...EMPTY, alarms: {} });
    expect(after.join("\n")).not.toMatch(/instance_type="old"|queue_entries|alarm=/);
  });

  it("count what happens, under its labels", async () => {
    const { metrics, scrape } = setUp();
    metrics.pool.bootOutcomes.inc({ outcome: "success" });
    metrics.pool.timeToSsh.observe(3);
    metrics.pool.runProbeDuration.observe({ outcome: "fail" }, 0.5);
    metrics.scheduler.plannerDuration.observe(0.002);
    metrics.driver.countOperation("Create", true);
    metrics.core.countFact("queue.polled", "kept");
    metrics.core.countFact("probe.succeeded", "unchanged");
    metrics.core.countFact("probe.succeeded", "dropped");
    metrics.core.countCommand("instance.create", "unknown");
    metrics.core.journalRecords.inc(5);
    metrics.service.requestDuration.observe({ code: "200", method: "get" }, 0.1);
    const lines = await scrape();
    const a = "arvados_dispatchcloud_";
    for (const line of [
      `${a}boot_outcomes{outcome="success"} 1`,
      `${a}instances_time_to_ssh_seconds{quantile="0.5"} 3`,
      `${a}instances_time_to_ssh_seconds_sum 3`,
      `${a}instances_run_probe_duration_seconds{quantile="0.9",outcome="fail"} 0.5`,
      `${a}driver_operations{operation="Create",error="1"} 1`,
      'dispatchcloud_planner_duration_seconds_bucket{le="0.0025"} 1',
      'dispatchcloud_facts_total{type="queue.polled"} 1',
      'dispatchcloud_facts_unchanged_total{type="probe.succeeded"} 1',
      'dispatchcloud_facts_dropped_total{type="probe.succeeded"} 1',
      'dispatchcloud_commands_total{kind="instance.create",outcome="unknown"} 1',
      "dispatchcloud_journal_records_total 5",
      'request_duration_seconds_count{code="200",method="get"} 1',
    ]) {
      expect(lines).toContain(line);
    }
    expect(lines.join("\n")).not.toContain("request_duration_seconds{");
  });

  it("as JSON are protobuf's families, in order of name", async () => {
    const { metrics } = setUp({ ...EMPTY, workers: [worker({})] });
    metrics.pool.timeToSsh.observe(3);
    metrics.scheduler.plannerDuration.observe(0.002);
    const text = await metricsJson(metrics.registry);
    expect(
      text.startsWith('[{\n  "name": "arvados_config_load_timestamp_seconds",\n  "help"'),
    ).toBe(true);
    const families = JSON.parse(text) as { name: string; type: string; metric: unknown[] }[];
    const of = (name: string) => families.find((family) => family.name.endsWith(name));
    expect(families.map((f) => f.name)).toEqual(families.map((f) => f.name).sort());
    expect(of("cloud_containers_running")).toMatchObject({
      type: "GAUGE",
      metric: [{ gauge: { value: 0 } }],
    });
    expect(of("boot_outcomes")?.metric[0]).toEqual({
      label: [{ name: "outcome", value: "aborted" }],
      counter: { value: 0 },
    });
    expect(of("instances_total")?.metric).toContainEqual({
      label: [
        { name: "category", value: "idle" },
        { name: "instance_type", value: "small" },
      ],
      gauge: { value: 1 },
    });
    expect(of("time_to_ssh_seconds")).toMatchObject({
      type: "SUMMARY",
      metric: [
        {
          summary: {
            sampleCount: "1",
            sampleSum: 3,
            quantile: [0.5, 0.9, 0.95, 0.99].map((quantile) => ({ quantile, value: 3 })),
          },
        },
      ],
    });
    expect(of("time_to_ready_for_container_seconds")?.metric[0]).toMatchObject({
      summary: { quantile: expect.arrayContaining([{ quantile: 0.5, value: "NaN" }]) as unknown },
    });
    expect(of("planner_duration_seconds")?.metric[0]).toMatchObject({
      histogram: {
        sampleCount: "1",
        bucket: expect.arrayContaining([{ cumulativeCount: "1", upperBound: 0.0025 }]) as unknown,
      },
    });
    expect(of("queue_entries")).toBeUndefined();
  });
});

describe("the age of probes", () => {
  it("has as median element n/2 of the list that begins with the oldest", () => {
    const at = (...seconds: number[]) =>
      probeAges({
        nowMs: 100_000,
        workers: seconds.map((s) => worker({ lastGoodProbeAtMs: 100_000 - s * 1000 })),
      });
    expect(at()).toEqual({ max: 0, median: 0 });
    expect(at(1)).toEqual({ max: 1, median: 1 });
    expect(at(1, 2)).toEqual({ max: 2, median: 1 });
    expect(at(4, 1, 3, 2)).toEqual({ max: 4, median: 2 });
  });
});

describe("scenarios of worker.metrics", () => {
  interface Given {
    state: WorkerSample["state"];
    runners: number;
    idle_behavior: WorkerSample["idleBehavior"];
  }
  const cases = readScenarios<{
    id: string;
    given: { workers: Given[] };
    then: { categories: string[] };
  }>("worker.metrics");
  it.each(cases)("$id", ({ given, then }) => {
    const categories = given.workers.map(({ state, runners, idle_behavior: idleBehavior }) =>
      categoryOf({ state, runners, idleBehavior }),
    );
    expect(categories).toEqual(then.categories);
  });
});
