import type { ContainerRow } from "../../src/http/wire/container.ts";
import type { Lifecycle, WorkerRow } from "../../src/http/wire/worker.ts";
import type { InstanceTypeRow, StateAnswer } from "../../src/http/wire/state.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00.000Z");
const LIFECYCLES: readonly Lifecycle[] = [
  "running",
  "running",
  "running",
  "running",
  "running",
  "booting",
  "idle",
  "running",
  "shutdown",
  "creating",
];
export const TYPES: readonly InstanceTypeRow[] = [
  type("small", 2, 0.05),
  type("medium", 8, 0.2),
  type("large", 32, 0.8),
  type("huge", 96, 2.4),
];

export function at(secondsAgo: number): string {
  return new Date(NOW_MS - secondsAgo * 1000).toISOString();
}

/** A state of any size, each time the same. */
export function madeState(workersCount: number, containersCount: number): StateAnswer {
  const containers = Array.from({ length: containersCount }, (_, n) => madeContainer(n));
  const workers = Array.from({ length: workersCount }, (_, n) => madeWorker(n));
  let next = 0;
  for (const worker of workers) {
    if (worker.lifecycle !== "running") continue;
    const container = containers[(next += 1) * 2];
    if (!container) break;
    worker.container_uuids.push(container.container_uuid);
    Object.assign(container, {
      record: "Running",
      process: "running",
      wait_reason: "",
      waiting_since: null,
      worker_ids: [worker.worker_id],
    });
  }
  return {
    journal_id: "made",
    live: true,
    seq: 1000,
    at: at(0),
    now: at(0),
    version: "0.0.0",
    read_only: false,
    bounds: { first_seq: 1, last_seq: 1000, first_at: at(7200), last_at: at(0) },
    missing: "",
    supervisor: "dispatching",
    scheduler: { max_containers: 0, instances_within_quota: 0, last_503_at: null },
    instance_types: [...TYPES],
    wait_texts: WAIT_TEXTS,
    timeouts: null,
    workers,
    containers,
    limits: [
      {
        actor: "supervisor/dispatcher",
        kind: "supervisor",
        id: "dispatcher",
        value: "dispatching",
        until: null,
        reason: "",
      },
    ],
    alarms: [],
  };
}

const WAIT_TEXTS = {
  preparing: "Preparing to start.",
  priorityZero: "Priority is zero.",
  supervisorLimit: "Waiting for a place among the supervisors.",
  previousAttempt: "A previous attempt is not over yet.",
  booting: "Waiting for a new instance to boot.",
  typeAtCapacity: "The cloud has no instance of its type.",
  atQuota: "Cluster is at cloud account limits and cannot start any new instances right now.",
  atMaxInstances: "The fleet is at the limit of MaxInstances 4.",
  atCapacity: "Cluster is at capacity.",
};

export function madeWorker(n: number): WorkerRow {
  const lifecycle = LIFECYCLES[n % LIFECYCLES.length] ?? "idle";
  const { name, price } = TYPES[n % 17 === 0 ? 3 : n % 7 === 0 ? 2 : n % 3 === 0 ? 1 : 0]!;
  return {
    worker_id: `w-${n}`,
    instance_id: lifecycle === "creating" ? "" : `i-${(0x1a2b3c4d5e6f00 + n * 977).toString(16)}`,
    lifecycle,
    idle_behavior: n % 23 === 0 ? "hold" : n % 29 === 0 ? "drain" : "run",
    instance_type: name,
    price,
    address: `10.0.${n >> 8}.${n & 255}`,
    since: at((n * 37) % 4000),
    asked_for_at: at(4000 + n),
    idle_until: lifecycle === "idle" ? at(-60 - (n % 50)) : null,
    container_uuids: [],
    destroy_refused: null,
    shutdown_reason: lifecycle === "shutdown" ? "idle for longer than TimeoutIdle" : "",
    last_error: n % 31 === 0 ? "boot probe: disk not mounted" : "",
  };
}

export function madeContainer(n: number): ContainerRow {
  const reasons = ["atQuota", "booting", "atCapacity", "typeAtCapacity"] as const;
  return {
    container_uuid: `zzzzz-dz642-${n.toString(36).padStart(15, "0")}`,
    name: n % 3 === 0 ? `sample ${n}` : "",
    record: n % 4 === 0 ? "Locked" : "Queued",
    operation: "none",
    process: "absent",
    priority: (n * 7919) % 1000,
    given_priority: `${(n * 7919) % 1000}`,
    supervisor: n % 40 === 0,
    created_at: at(n % 9000),
    first_seen_at: at(n % 9000),
    worker_ids: [],
    instance_types: [TYPES[n % 3]!.name],
    wait_reason: reasons[n % 4]!,
    waiting_since: at(n % 3000),
    rejection: "",
    last_error: "",
    retry_at: null,
  };
}

function type(name: string, vcpus: number, price: number): InstanceTypeRow {
  return {
    name,
    provider_type: `t.${name}`,
    vcpus,
    ram: vcpus * 2 ** 31,
    scratch: 2 ** 36,
    gpus: 0,
    price,
    preemptible: false,
  };
}
