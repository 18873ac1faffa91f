import { describe, expect, it } from "vitest";
import { planSnapshot, printPlan } from "../../../src/machines/planner/plan-snapshot.ts";
import { settingsOf, type Json } from "./scenarios.ts";

const GIB = 2 ** 30;
const A = "zzzzz-dz642-000000000000001";
const B = "zzzzz-dz642-000000000000002";
const NOW = "2026-01-01T00:00:00Z";

/** As the command line does it: the config's keys, and types as they stand there. */
function configSettings(config: Json) {
  const given = config ?? DEFAULT_CONFIG;
  return settingsOf(
    { SupervisorFraction: 0.5, ...given.Containers?.CloudVMs },
    given.InstanceTypes,
  );
}

const type = { VCPUs: 1, RAM: 2 * GIB, Scratch: 0, Price: 0.1, Preemptible: false };
const DEFAULT_CONFIG = {
  Containers: { CloudVMs: { MaxInstances: 10 } },
  InstanceTypes: { type1: type, type2: { ...type, VCPUs: 2, RAM: 4 * GIB, Price: 0.2 } },
};

function entry(uuid: string, state: string, priority: number | string, more: object = {}) {
  const runtime_constraints = { vcpus: 1, ram: GIB };
  return { container: { uuid, state, priority, created_at: NOW, runtime_constraints }, ...more };
}

function run(input: object): Json {
  return JSON.parse(printPlan(planSnapshot({ now: NOW, ...input }, configSettings)));
}

function idle(instance: string, more: object = {}) {
  return {
    instance,
    arvados_instance_type: "type1",
    worker_state: "idle",
    idle_behavior: "run",
    running_container_uuids: [],
    ...more,
  };
}

describe("planSnapshot", () => {
  it("prints decisions, queue, limits and metrics in the shape of the contract", () => {
    const output = run({
      queue: { updated: NOW, entries: [entry(A, "Locked", 4), entry(B, "Locked", 3)] },
      pool: { instances: [idle("i-1")], quota: 1000, creates_allowed: 3 },
    });
    expect(output).toEqual({
      decisions: [
        { do: "start", container: A, instance: "i-1", reason: expect.stringMatching(/./) },
        {
          do: "create",
          instance_type: "type1",
          container: B,
          reason: expect.stringMatching(/./),
        },
      ],
      queue: [
        {
          container: A,
          state: "Locked",
          priority: 4,
          scheduling_status: "Container is allocated to an instance and preparing to run.",
        },
        {
          container: B,
          state: "Locked",
          priority: 3,
          scheduling_status: "Waiting for a type1 instance to boot and be ready to accept work.",
        },
      ],
      limits: {
        max_containers: 10,
        instances_within_quota: 0,
        last_503_at: null,
        max_supervisors: 5,
      },
      metrics: {
        containers_allocated_not_started: 1,
        containers_not_allocated_over_quota: 0,
        containers_longest_wait_time_seconds: 0,
      },
    });
  });

  it("runs the pass that is asked for, and both where none is", () => {
    const queue = { entries: [entry(A, "Queued", 1), entry(B, "Complete", 1)] };
    const lock = ["lock"];
    const forget = ["forget"];
    const done = (pass?: string) =>
      run({ pass, queue }).decisions.map((decision: Json) => decision.do);
    expect(done("schedule")).toEqual(lock);
    expect(done("reconcile")).toEqual(forget);
    expect(done("stale-locks")).toEqual([]);
    expect(done()).toEqual([...lock, ...forget]);
  });

  it("gives up stale locks only where a start has had to wait for an instance, as the daemon", () => {
    const queue = { entries: [entry(A, "Locked", 1)] };
    const done = (state: string) => {
      const instance = { instance: "i-1", arvados_instance_type: "type1", worker_state: state };
      const pool = {
        instances: [{ ...instance, idle_behavior: "run", running_container_uuids: [] }],
      };
      const { decisions } = run({ pass: "stale-locks", queue, pool });
      return decisions.map((decision: Json) => `${decision.do} ${decision.container}`);
    };
    expect(done("idle")).toEqual([]);
    expect(done("unknown")).toEqual([`unlock ${A}`]);
  });

  it("reconciles what the scheduling pass left: what was just started is running", () => {
    const queue = { entries: [entry(A, "Locked", 1)] };
    const pool = { instances: [idle("i-1")] };
    expect(run({ queue, pool }).decisions).toHaveLength(1);
  });

  it("takes a process as running when either the pool or an instance names it", () => {
    const queue = { entries: [entry(A, "Queued", 1), entry(B, "Queued", 1)] };
    const busy = idle("i-1", { worker_state: "running", running_container_uuids: [A] });
    const { decisions } = run({ queue, pool: { instances: [busy], running: { [B]: null } } });
    const reason = "pool says running, but queue says state=Queued";
    expect(decisions).toEqual([
      { do: "kill", container: A, reason },
      { do: "kill", container: B, reason },
    ]);
  });

  it("judges an exit only by a queue that was read after it, to the fraction of a second", () => {
    const decided = (updated: string, exited: string) =>
      run({
        pass: "reconcile",
        queue: { updated, entries: [entry(A, "Running", 1)] },
        pool: { running: { [A]: exited } },
      }).decisions.map((decision: Json) => decision.do);
    expect(decided("2026-01-01T00:00:00.5Z", "2026-01-01T01:00:00.499+01:00")).toEqual(["cancel"]);
    expect(decided("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.5005Z")).toEqual([]);
    expect(decided(NOW, NOW)).toEqual([]);
  });

  it("prints a priority beyond 2^53 as the integer it is", () => {
    const digits = "9223372036854775807";
    const input = { now: NOW, queue: { entries: [entry(A, "Queued", digits)] } };
    expect(printPlan(planSnapshot(input, configSettings))).toContain(`"priority": ${digits},`);
  });

  it("cancels what no type suits, and keeps it where it runs already", () => {
    const huge = (state: string) => {
      const { container } = entry(A, state, 1);
      return { container: { ...container, runtime_constraints: { vcpus: 99, ram: 1 } } };
    };
    const queued = run({ queue: { entries: [huge("Queued")] } });
    expect(queued.decisions).toEqual([
      {
        do: "cancel",
        container: A,
        reason: "constraints not satisfiable by any configured instance type",
      },
    ]);
    expect(queued.queue).toEqual([]);
    const running = { queue: { entries: [huge("Running")] }, pool: { running: { [A]: null } } };
    expect(run(running).queue).toHaveLength(1);
  });

  it("prefers the types that the snapshot names to its own choice", () => {
    const queue = { entries: [entry(A, "Locked", 1, { instance_types: ["type2"] })] };
    expect(run({ queue }).decisions[0].instance_type).toBe("type2");
  });

  it("remembers limits, 503s, capacity and refused starts from the input", () => {
    const queue = { entries: [entry(A, "Locked", 2), entry(B, "Locked", 1)] };
    const limits = { max_containers: 5, seen_503_at: NOW };
    const limited = run({ queue, limits });
    expect(limited.limits).toMatchObject({
      max_containers: 1,
      last_503_at: "2026-01-01T00:00:00.000Z",
    });
    expect(limited.decisions).toHaveLength(1);
    const declined = run({ queue, pool: { instances: [idle("i")], declines_start: ["i"] } });
    expect(declined.decisions.map((decision: Json) => decision.do)).toEqual(["create"]);
    const full = run({ queue, pool: { capacity: { type1: 0 } } });
    expect(full.queue[0].scheduling_status).toContain("eligible instance types (type1)");
    expect(run({ queue, pool: { at_quota: true } }).decisions[0].do).toBe("unlock");
  });

  it("takes several creates under way, which have no id yet", () => {
    const pending = idle("", { worker_state: "booting" });
    const queue = { entries: [entry(A, "Locked", 2), entry(B, "Locked", 1)] };
    expect(run({ queue, pool: { instances: [pending, pending] } }).decisions).toEqual([]);
  });

  it.each([
    [7, "input: found 7, expected an object"],
    [{}, "now: found nothing, expected a text"],
    [{ now: "yesterday" }, 'now: found "yesterday", expected an RFC 3339 time'],
    [{ now: "2026-13-01T00:00:00Z" }, "expected an RFC 3339 time"],
    [{ now: NOW, pass: "both" }, 'pass: found "both", expected "schedule" or "reconcile"'],
    [
      { now: "2026-02-30T00:00:00Z" },
      'now: found "2026-02-30T00:00:00Z", expected an RFC 3339 time',
    ],
    [
      { now: NOW, queue: { entries: [{ container: { uuid: A } }] } },
      "queue.entries[0].container.state: found nothing, expected ",
    ],
    [
      { now: NOW, limits: { max_containers: 1.5 } },
      "limits.max_containers: found 1.5, expected a whole number",
    ],
    [{ now: NOW, queue: [] }, "queue: found [], expected an object"],
    [
      { now: NOW, queue: { entries: [{ container: { uuid: A, state: "Lost", priority: 1 } }] } },
      'queue.entries[0].container.state: found "Lost", expected "Queued" or',
    ],
    [
      { now: NOW, queue: { entries: [entry(A, "Queued", 1.5)] } },
      "queue.entries[0].container.priority: found 1.5, expected an integer or a string of digits",
    ],
    [
      { now: NOW, queue: { entries: [entry(A, "Queued", 1), entry(A, "Queued", 2)] } },
      `queue.entries[1].container.uuid: found "${A}", expected each one only once`,
    ],
    [
      { now: NOW, queue: { entries: [entry(A, "Queued", 1, { instance_types: ["toString"] })] } },
      'queue.entries[0].instance_types[0]: found "toString", expected the name of a configured',
    ],
    [
      { now: NOW, pool: { instances: [idle("i", { worker_state: "weird" })] } },
      'pool.instances[0].worker_state: found "weird", expected "unknown" or',
    ],
    [
      { now: NOW, pool: { instances: [idle("i"), idle("i")] } },
      'pool.instances[1].instance: found "i", expected each one only once',
    ],
    [{ now: NOW, pool: { quota: -1 } }, "pool.quota: found -1, expected at least 0"],
    [{ now: NOW, pool: { running: { [A]: 5 } } }, `pool.running.${A}: found 5, expected a text`],
  ])("answers %j by naming the place, what is there and what should be", (input, message) => {
    expect(() => planSnapshot(input, configSettings)).toThrow(message);
  });
});
