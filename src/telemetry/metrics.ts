import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { FactType } from "../machines/model/fact.ts";
import type { CommandKind } from "../machines/model/command.ts";
import { registerEventLoopDelay } from "./event-loop.ts";
import { WORKER_STATES, type FleetSnapshot } from "./fleet.ts";
import { makeFleetGauges } from "./fleet-gauges.ts";
import { makeServiceMetrics, type ServiceInfo, type ServiceMetrics } from "./service-metrics.ts";
import { WindowedSummary } from "./windowed-summary.ts";

const PREFIX = "arvados_dispatchcloud_";

export const BOOT_OUTCOMES = ["failure", "success", "aborted", "disappeared"] as const;
export const CLOUD_OPERATIONS = ["Create", "List", "Destroy", "SetTags"] as const;

/** Typed handles to everything that is counted as it happens. Gauges over the fleet come from the snapshot instead. */
export interface Metrics {
  /** Reading it (`metrics()`, `getMetricsAsJSON()`) takes a snapshot first. Drivers may register their own. */
  readonly registry: Registry;
  readonly pool: ReturnType<typeof makePoolMetrics>;
  readonly scheduler: ReturnType<typeof makeSchedulerMetrics>;
  readonly driver: ReturnType<typeof makeDriverMetrics>;
  readonly core: ReturnType<typeof makeCoreMetrics>;
  readonly service: ServiceMetrics;
}

/** A registry whose gauges are filled when somebody reads it. */
class LiveRegistry extends Registry {
  refresh: () => void = () => {};

  override metrics(): Promise<string> {
    this.refresh();
    return super.metrics();
  }

  override getMetricsAsJSON(): ReturnType<Registry["getMetricsAsJSON"]> {
    this.refresh();
    return super.getMetricsAsJSON();
  }
}

/**
 * All metrics of specification §12 (those of EC2 are its driver's) and our own, `dispatchcloud_…`. `fleet` is called once per
 * scrape.
 */
export function makeMetrics(info: ServiceInfo, fleet: () => FleetSnapshot): Metrics {
  const registry = new LiveRegistry();
  const fill = makeFleetGauges(registry);
  registry.refresh = () => fill(fleet());
  registerEventLoopDelay(registry);
  return {
    registry,
    pool: makePoolMetrics(registry),
    scheduler: makeSchedulerMetrics(registry),
    driver: makeDriverMetrics(registry),
    core: makeCoreMetrics(registry),
    service: makeServiceMetrics(registry, info),
  };
}

function makePoolMetrics(registry: Registry) {
  const bootOutcomes = new Counter({
    name: `${PREFIX}boot_outcomes`,
    help: "Boot outcomes by type, the first of each worker.",
    labelNames: ["outcome"],
    registers: [registry],
  });
  for (const outcome of BOOT_OUTCOMES) bootOutcomes.inc({ outcome }, 0);
  const disappeared = new Counter({
    name: `${PREFIX}instances_disappeared`,
    help: "Instances that vanished from the cloud's list, by the state that the worker was in.",
    labelNames: ["state"],
    registers: [registry],
  });
  for (const state of WORKER_STATES) disappeared.inc({ state }, 0);
  const seconds = (name: string, help: string) =>
    new WindowedSummary(registry, `${PREFIX}instances_${name}_seconds`, help);
  return {
    bootOutcomes,
    disappeared,
    timeToSsh: seconds(
      "time_to_ssh",
      "From the instance's appearance to the first SSH connection.",
    ),
    timeToReady: seconds(
      "time_to_ready_for_container",
      "From the first SSH connection to the first successful probes.",
    ),
    timeToGone: seconds(
      "time_from_shutdown_request_to_disappearance",
      "From the last request to destroy an instance until it was gone.",
    ),
    runProbeDuration: new WindowedSummary(
      registry,
      `${PREFIX}instances_run_probe_duration_seconds`,
      "Duration of run probes.",
      ["outcome"],
    ),
  };
}

function makeSchedulerMetrics(registry: Registry) {
  return {
    queueToCrunchRun: new WindowedSummary(
      registry,
      `${PREFIX}containers_time_from_queue_to_crunch_run_seconds`,
      "From the container's creation until the command that starts it returned.",
    ),
    plannerDuration: new Histogram({
      name: "dispatchcloud_planner_duration_seconds",
      help: "Duration of one run of the planner.",
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers: [registry],
    }),
  };
}

function makeDriverMetrics(registry: Registry) {
  const operations = new Counter({
    name: `${PREFIX}driver_operations`,
    help: "Calls to the cloud, and whether they failed.",
    labelNames: ["operation", "error"],
    registers: [registry],
  });
  for (const operation of CLOUD_OPERATIONS) {
    for (const error of ["0", "1"]) operations.inc({ operation, error }, 0);
  }
  return {
    countOperation(operation: (typeof CLOUD_OPERATIONS)[number], failed: boolean): void {
      operations.inc({ operation, error: failed ? "1" : "0" });
    },
  };
}

function makeCoreMetrics(registry: Registry) {
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Counter<T>({ name: `dispatchcloud_${name}`, help, labelNames, registers: [registry] });
  const facts = counter("facts_total", "Facts that changed something.", ["type"]);
  const unchanged = counter("facts_unchanged_total", "Facts that changed nothing; not journaled.", [
    "type",
  ]);
  const dropped = counter("facts_dropped_total", "Facts that were refused or overtaken.", ["type"]);
  const commands = counter("commands_total", "Commands carried out, by how they ended.", [
    "kind",
    "outcome",
  ]);
  return {
    countFact(type: FactType, fate: "kept" | "unchanged" | "dropped"): void {
      const fates = { kept: facts, unchanged, dropped };
      fates[fate].inc({ type });
    },
    countCommand(kind: CommandKind, outcome: "succeeded" | "failed" | "unknown"): void {
      commands.inc({ kind, outcome });
    },
    journalRecords: counter("journal_records_total", "Records written to the journal.", []),
    journalFailedCommits: counter("journal_failed_commits_total", "Group commits that failed.", []),
    clockJumps: counter(
      "clock_jumps_total",
      "Times that the wall clock was set during this run.",
      [],
    ),
    clockOffset: new Gauge({
      name: "dispatchcloud_clock_offset_seconds",
      help: "What the wall clock is ahead of the time of this run by.",
      registers: [registry],
    }),
  };
}
