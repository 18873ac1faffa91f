import type { Core } from "../machines/core/core.ts";
import { ONLY } from "../machines/model/ids.ts";
import { workerState } from "../machines/core/view.ts";
import { formatSpan, formatTime } from "../machines/model/amounts.ts";
import { checksumOf } from "./replay-journal.ts";
import { formatTable } from "./table.ts";

/** The state that a fold came to, as `replay --json` prints it. */
export function stateJson(core: Core): Record<string, unknown> {
  return {
    seq: core.seq,
    at: core.seq === 0 ? null : formatTime(core.atMs),
    checksum: checksumOf(core),
    supervisor: supervisorOf(core),
    config_hash: core.configHash,
    limits: core.limits && {
      max_containers: core.limits.maxContainers,
      instances_within_quota: core.limits.instancesWithinQuota,
      last_503_at: core.limits.last503AtMs === null ? null : formatTime(core.limits.last503AtMs),
    },
    workers: workersOf(core),
    containers: countsOf(core),
  };
}

export function describeState(core: Core): string {
  const workers = workersOf(core);
  const counts = Object.entries(countsOf(core)).map(([state, count]) => `${count} ${state}`);
  const lines = [
    `seq         ${core.seq}`,
    `time        ${core.seq === 0 ? "-" : formatTime(core.atMs)}`,
    `supervisor  ${supervisorOf(core)}`,
    `containers  ${counts.length === 0 ? "none" : counts.join(", ")}`,
    `workers     ${workers.length === 0 ? "none" : workers.length}`,
    `checksum    ${checksumOf(core)}`,
    "",
  ].join("\n");
  if (workers.length === 0) return lines;
  const table = formatTable(workers, [
    { title: "WORKER", text: (each) => each.worker },
    { title: "INSTANCE", text: (each) => each.instance || "-" },
    { title: "TYPE", text: (each) => each.instance_type },
    { title: "STATE", text: (each) => each.state },
    { title: "BEHAVIOR", text: (each) => each.idle_behavior },
    { title: "AGE", align: "right", text: (each) => formatSpan(each.age_ms) },
    { title: "CONTAINERS", text: (each) => each.containers.join(",") || "-" },
  ]);
  return `${lines}\n${table}`;
}

function supervisorOf(core: Core): string {
  return core.registry.get("supervisor", ONLY)?.value ?? "standby";
}

function workersOf(core: Core) {
  return [...core.registry.entries("worker")].map(([worker, { value, context }]) => ({
    worker,
    instance: context.instanceId,
    instance_type: context.instanceType,
    state: workerState(value.lifecycle),
    idle_behavior: value.idleBehavior,
    age_ms: core.atMs - context.bornAtMs,
    containers: Object.keys(context.processes).sort(),
  }));
}

/** Containers by what the queue last said of them. */
function countsOf(core: Core): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, { value }] of core.registry.entries("container")) {
    counts[value.record] = (counts[value.record] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}
