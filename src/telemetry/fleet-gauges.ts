import { Gauge, type Registry } from "prom-client";
import { CATEGORIES, categoryOf, probeAges, type FleetSnapshot } from "./fleet.ts";

const PREFIX = "arvados_dispatchcloud_";

/**
 * The gauges over fleet, queue and journal (specification §12). They are filled anew from a snapshot each time, so that no series
 * outlives the type, state or alarm that it speaks of. Returns the function that fills them.
 */
export function makeFleetGauges(registry: Registry): (snapshot: FleetSnapshot) => void {
  const gauge = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Gauge<T>({ name, help, labelNames, registers: [registry] });
  const pool = makePoolGauges(gauge);
  const scheduler = makeSchedulerGauges(gauge);
  const lag = gauge(
    "dispatchcloud_journal_lag_seconds",
    "Age of the oldest fact that is not durable.",
  );
  const bytes = gauge("dispatchcloud_journal_bytes", "Size of the journal on disk.");
  const alarms = gauge("dispatchcloud_alarms", "1 while the alarm is raised.", ["alarm"]);
  return (snapshot) => {
    pool(snapshot);
    scheduler(snapshot);
    lag.set(snapshot.journal.lagMs / 1000);
    bytes.set(snapshot.journal.bytes);
    alarms.reset();
    for (const [alarm, raised] of Object.entries(snapshot.alarms)) {
      alarms.set({ alarm }, raised ? 1 : 0);
    }
  };
}

type MakeGauge = <T extends string>(name: string, help: string, labelNames?: T[]) => Gauge<T>;

function makePoolGauges(gauge: MakeGauge): (snapshot: FleetSnapshot) => void {
  const running = gauge(
    `${PREFIX}containers_running`,
    "Containers running or starting on workers.",
  );
  const ageMax = gauge(
    `${PREFIX}probe_age_seconds_max`,
    "Seconds since the last good probe, of the worker that was probed longest ago.",
  );
  const ageMedian = gauge(
    `${PREFIX}probe_age_seconds_median`,
    "Seconds since the last good probe, median over workers.",
  );
  const total = gauge(`${PREFIX}instances_total`, "Cloud instances.", [
    "category",
    "instance_type",
  ]);
  const byCategory = ["category"] as "category"[];
  const price = gauge(`${PREFIX}instances_price`, "Sum of the hourly prices.", byCategory);
  const vcpus = gauge(`${PREFIX}vcpus_total`, "VCPUs of cloud instances.", byCategory);
  const memory = gauge(`${PREFIX}memory_bytes_total`, "RAM of cloud instances.", byCategory);

  return (snapshot) => {
    const { workers, instanceTypes } = snapshot;
    const ages = probeAges(snapshot);
    ageMax.set(ages.max);
    ageMedian.set(ages.median);
    running.set(workers.reduce((sum, worker) => sum + worker.runners, 0));
    for (const each of [total, price, vcpus, memory]) each.reset();
    for (const category of CATEGORIES) {
      for (const each of [price, vcpus, memory]) each.set({ category }, 0);
      for (const name of instanceTypes) total.set({ category, instance_type: name }, 0);
    }
    for (const worker of workers) {
      const category = categoryOf(worker);
      total.inc({ category, instance_type: worker.instanceType });
      price.inc({ category }, worker.price);
      vcpus.inc({ category }, worker.vcpus);
      memory.inc({ category }, worker.ram);
    }
  };
}

function makeSchedulerGauges(gauge: MakeGauge): (snapshot: FleetSnapshot) => void {
  const waitingForBoot = gauge(
    `${PREFIX}containers_allocated_not_started`,
    "Containers that wait for a worker to boot.",
  );
  const overQuota = gauge(
    `${PREFIX}containers_not_allocated_over_quota`,
    "Containers that get no worker because of a quota or limit.",
  );
  const longestWait = gauge(
    `${PREFIX}containers_longest_wait_time_seconds`,
    "Age of the oldest container that is wanted and not running.",
  );
  const last503 = gauge(`${PREFIX}last_503_time`, "Unix time of the API's last 503; 0 is never.");
  const maxContainers = gauge(
    `${PREFIX}max_concurrent_containers`,
    "Limit on containers at once, from quota errors and 503s; 0 is none.",
  );
  const atQuota = gauge(
    `${PREFIX}at_quota`,
    "1 while no instances are created because of a quota.",
  );
  const entries = gauge(`${PREFIX}queue_entries`, "Containers in the queue.", [
    "state",
    "instance_type",
  ]);

  return ({ nowMs, scheduler, queue }) => {
    const { waitingSinceMs, last503AtMs } = scheduler;
    waitingForBoot.set(scheduler.allocatedNotStarted);
    overQuota.set(scheduler.notAllocatedOverQuota);
    longestWait.set(waitingSinceMs === null ? 0 : Math.max(0, nowMs - waitingSinceMs) / 1000);
    last503.set(last503AtMs === null ? 0 : Math.floor(last503AtMs / 1000));
    maxContainers.set(scheduler.maxContainers);
    atQuota.set(scheduler.atQuota ? 1 : 0);
    entries.reset();
    for (const { state, instanceType, entries: count } of queue) {
      entries.inc({ state, instance_type: instanceType }, count);
    }
  };
}
