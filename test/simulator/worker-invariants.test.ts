import { describe, expect, it } from "vitest";
import type { IdleBehavior } from "../../src/machines/model/command.ts";
import type { ContainerState } from "../../src/machines/model/fact.ts";
import { noFaults } from "../../src/simulator/faults.ts";
import { busyWorkerKept } from "../../src/simulator/invariants/busy-worker-kept.ts";
import { createsWithinNeed } from "../../src/simulator/invariants/creates-within-need.ts";
import { silentWorkerGivenUp } from "../../src/simulator/invariants/silent-worker-given-up.ts";
import type { WorldEvent } from "../../src/simulator/world-event.ts";
import { C1, record, verdict, worker, world, worldOf } from "./invariant-rig.ts";
import type { Actors, Lifecycle } from "./invariant-rig.ts";

/** What happened after so many seconds. */
function at(seconds: number, event: WorldEvent): WorldEvent {
  const atMs = seconds * 1000;
  if (event.type !== "record.released") return { ...event, atMs };
  const { record: released } = event;
  return { ...event, atMs, record: { ...released, fact: { ...released.fact, atMs } } };
}

function asked(seconds: number): WorldEvent {
  return { type: "vm.asked", atMs: seconds * 1000, instanceId: "i-1" };
}

function listed(seconds: number): WorldEvent {
  return { type: "vm.listed", atMs: seconds * 1000, instanceId: "i-1" };
}

describe("a check fails when a worker is destroyed that runs a wanted container", () => {
  const destroy = { kind: "instance.destroy", workerId: "w1", instanceId: "i-1" } as const;
  const CONTEXT = { instanceId: "i-1", appearedAtMs: 100_000 };
  const because = (shutdownReason: string, lifecycle: Lifecycle = "running") =>
    record({
      commands: [destroy],
      changes: [
        { ...worker("w1", { ...CONTEXT, shutdownReason }), before: { value: { lifecycle } } },
      ],
    });
  const silent = because("no good answer to a probe for 120 s");
  const running = (state: ContainerState, priority = "1") =>
    worldOf({
      ...world(),
      cloud: { vm: () => ({ runningIds: [C1] }) },
      queue: { containers: new Map([[C1, { record: { state, priority } }]]) },
    });
  const busy = running("Running");

  it("for a reason that the design does not have", () => {
    const idle = because("idle for TimeoutIdle");
    expect(verdict(busyWorkerKept(), [idle], busy)).toMatch(/runs .*1: idle for TimeoutIdle/);
    expect(verdict(busyWorkerKept(), [because("")], busy)).toMatch(/no reason/);
    expect(verdict(busyWorkerKept(), [because("an operator asked: x")], busy)).toBe("");
    const unwanted = [running("Complete"), running("Running", "0")];
    for (const other of unwanted) expect(verdict(busyWorkerKept(), [idle], other)).toBe("");
  });

  it("for its silence, and TimeoutProbe is not over since it answered", () => {
    const events = [asked(0), listed(10)];
    const early = verdict(busyWorkerKept(), [...events, at(129, silent)], busy);
    expect(early).toBe("i-1 is destroyed for not answering, and answered 119000 ms ago");
    expect(verdict(busyWorkerKept(), [...events, at(130, silent)], busy)).toBe("");
    const again = at(129, because("no good answer to a probe for 120 s", "shutdown"));
    expect(verdict(busyWorkerKept(), [...events, again], busy)).toBe("");
  });

  it("for its silence, and this run has not asked it for TimeoutProbe", () => {
    const started: WorldEvent = { type: "daemon.started", atMs: 100_000, clockOffsetMs: 0 };
    const events = [asked(0), started];
    expect(verdict(busyWorkerKept(), [...events, at(300, silent)], busy)).toMatch(/never asked/);
    const early = verdict(busyWorkerKept(), [...events, asked(181), at(300, silent)], busy);
    expect(early).toMatch(/has had 119000 ms to answer/);
    const inTime = [...events, asked(180), asked(200), at(300, silent)];
    expect(verdict(busyWorkerKept(), inTime, busy)).toBe("");
  });

  it("for its silence, and this run has found it less than TimeoutProbe ago", () => {
    const found = record({
      changes: [worker("w1", { instanceId: "i-1" }, { lifecycle: "unknown" })],
    });
    const events = [at(100, found), asked(110)];
    const early = verdict(busyWorkerKept(), [...events, at(219, silent)], busy);
    expect(early).toMatch(/has had 119000 ms to answer/);
    // Its time runs from then on, not from when its turn to be asked came.
    expect(verdict(busyWorkerKept(), [...events, at(220, silent)], busy)).toBe("");
    const answered = [...events, listed(111), at(220, silent)];
    expect(verdict(busyWorkerKept(), answered, busy)).toMatch(/answered 109000 ms ago/);
  });
});

describe("a check fails when creates exceed", () => {
  const named = (id: string, lifecycle: Lifecycle, created = {}): Actors<"worker">[number] => [
    id,
    { value: { lifecycle, idleBehavior: "run" }, context: { instanceType: "t", ...created } },
  ];
  const waiting = (instanceTypes: string[], priority = "1"): Actors<"container">[number] => [
    C1,
    { value: { record: "Locked", process: "absent" }, context: { priority, instanceTypes } },
  ];
  const create = { do: "create", container: C1, instanceType: "t", reason: "r" } as const;
  const created = [record({ decisions: [create] })];

  it("what waits for them", () => {
    const workers = [named("w1", "booting"), named("w2", "creating", { createOpen: true })];
    const one = world({ workers, containers: [waiting(["t"])] });
    expect(verdict(createsWithinNeed(), created, one)).toMatch(/2 t boot for 1 containers/);
    const other = world({ workers: workers.slice(1), containers: [waiting(["u"])] });
    expect(verdict(createsWithinNeed(), created, other)).toMatch(/1 t boot for 0 containers/);
    const unwanted = world({ workers: workers.slice(1), containers: [waiting(["t"], "0")] });
    expect(verdict(createsWithinNeed(), created, unwanted)).toMatch(/1 t boot for 0 containers/);
    const enough = world({ workers: workers.slice(1), containers: [waiting(["t"])] });
    expect(verdict(createsWithinNeed(), created, enough)).toBe("");
  });

  it("as many instances as there may be, or creates at once", () => {
    const idle = [named("w1", "idle"), named("w2", "idle")];
    const last = named("w3", "creating", { createOpen: true });
    const third = world({ workers: [...idle, last], containers: [waiting(["t"])] });
    expect(verdict(createsWithinNeed(), created, third)).toMatch(
      /3 workers, and MaxInstances is 2/,
    );
    const second = world({ workers: [...idle.slice(1), last], containers: [waiting(["t"])] });
    expect(verdict(createsWithinNeed(), created, second)).toBe("");
    const open = [named("w2", "creating", { createOpen: true }), last];
    const both = world({ workers: open, containers: [waiting(["t"])] });
    expect(verdict(createsWithinNeed(), created, both)).toMatch(/2 creates at once, and 1 are/);
  });

  it("as many VMs as there may be, unless one was hidden", () => {
    const made = { type: "vm.created", atMs: 0, instanceId: "i-3", pricePerHour: 1 } as const;
    const started = { type: "daemon.started", atMs: 0, clockOffsetMs: 0 } as const;
    const event = { ...made, createdBy: "w3" };
    const vms = (instanceIds: string[], maxInstances: number, faults = noFaults()) => {
      const config = { settings: { maxInstances } };
      return worldOf({ ...world(), faults, config, cloud: { instanceIds } });
    };
    const tooMany = ["i-1", "i-2", "i-3"];
    const events = [started, event];
    expect(verdict(createsWithinNeed(), events, vms(tooMany, 2))).toMatch(
      /3 VMs, and MaxI\S+ is 2/,
    );
    expect(verdict(createsWithinNeed(), events, vms(tooMany.slice(1), 2))).toBe("");
    expect(verdict(createsWithinNeed(), events, vms(tooMany, 0))).toBe("");
    const stale = noFaults();
    stale.count("listStale");
    expect(verdict(createsWithinNeed(), events, vms(tooMany, 2, stale))).toBe("");
    // What a run asked for may come when less is allowed.
    const check = createsWithinNeed();
    expect(verdict(check, [started], vms([], 3))).toBe("");
    expect(verdict(check, events, vms(tooMany, 2))).toBe("");
  });
});

describe("a check fails when a worker is kept that", () => {
  /** TimeoutProbe, and three times a probe's interval and time. */
  const PATIENCE_S = 120 + 3 * 30;
  const fleet = (lifecycle: Lifecycle, idleBehavior: IdleBehavior = "run") =>
    world({
      workers: [["w1", { value: { lifecycle, idleBehavior }, context: { instanceId: "i-1" } }]],
    });

  it("has not answered for longer than its time", () => {
    const events = [asked(0), listed(100)];
    const overdue = [...events, at(100 + PATIENCE_S + 1, record({}))];
    expect(verdict(silentWorkerGivenUp(), overdue, fleet("running"))).toMatch(
      /w1 has not answered/,
    );
    expect(verdict(silentWorkerGivenUp(), overdue, fleet("idle"))).toMatch(/for 211000 ms/);
    const inTime = [...events, at(100 + PATIENCE_S, record({}))];
    expect(verdict(silentWorkerGivenUp(), inTime, fleet("running"))).toBe("");
    for (const other of ["booting", "unknown", "shutdown"] as const)
      expect(verdict(silentWorkerGivenUp(), overdue, fleet(other))).toBe("");
  });

  it("nobody holds, and whom this run has asked for so long", () => {
    const late = at(1_000, record({}));
    expect(verdict(silentWorkerGivenUp(), [asked(0), late], fleet("idle", "hold"))).toBe("");
    const freed = { ...worker("w1", {}), before: { value: { idleBehavior: "hold" } } } as const;
    const holdEnds = at(1_000, record({ changes: [freed] }));
    const soon = at(1_000 + PATIENCE_S, record({}));
    expect(verdict(silentWorkerGivenUp(), [asked(0), holdEnds, soon], fleet("idle"))).toBe("");
    const tooLate = at(1_000 + PATIENCE_S + 1, record({}));
    const kept = [asked(0), holdEnds, tooLate];
    expect(verdict(silentWorkerGivenUp(), kept, fleet("idle"))).toMatch(/for 211000 ms/);
    const started: WorldEvent = { type: "daemon.started", atMs: 900_000, clockOffsetMs: 0 };
    expect(verdict(silentWorkerGivenUp(), [asked(0), started, late], fleet("idle"))).toBe("");
  });
});
