import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Core } from "../../../src/machines/core/core.ts";
import type { Applied } from "../../../src/machines/core/core.ts";
import { fold, replay } from "../../../src/machines/core/replay.ts";
import { tellsNothing } from "../../../src/machines/core/route.ts";
import type { Fact, FactInput, FactOf } from "../../../src/machines/model/fact.ts";
import { recordSchema } from "../../../src/machines/model/record.ts";
import { step } from "../../../src/machines/step.ts";
import { workerMachine } from "../../../src/machines/worker/worker.machine.ts";
import type { WorkerSnapshot } from "../../../src/machines/worker/worker.machine.ts";
import { FactMachine, opArbitrary } from "../../support/fact-machine.ts";
import type { Op } from "../../support/fact-machine.ts";

/** Whether docs/design.md allows to destroy a worker that may be running a wanted container. */
function mayDestroyBusy({ context }: WorkerSnapshot, fact: Fact | undefined): boolean {
  const { shutdownReason, processes } = context;
  if (fact?.type === "shutdown.requested") return shutdownReason.startsWith("an operator asked");
  if (fact?.type === "probe.failed") {
    const unansweredMs = fact.startedAtMs - fact.lastGoodProbeAtMs;
    return shutdownReason.startsWith("no good answer") && unansweredMs >= 600_000;
  }
  return (
    shutdownReason === "drained, and no process obeys SIGTERM" &&
    Object.values(processes).every(({ kill }) => kill?.nextAtMs === null)
  );
}

const opsArbitrary = fc.array(opArbitrary, { minLength: 20, maxLength: 150, size: "max" });
const PARAMETERS = { numRuns: 40, seed: 20_260_101 };

/** What a look at the core after each fact is given. */
type Look = (
  applied: Applied,
  machine: FactMachine,
  before: ReadonlyMap<string, WorkerSnapshot>,
) => void;

/** Runs the facts of some numbers. */
function run(ops: readonly Op[], look: Look): FactMachine {
  const machine = new FactMachine();
  for (const op of ops)
    for (const fact of machine.facts(op)) {
      const before = new Map(workersOf(machine.core.registry));
      look(machine.give(fact), machine, before);
    }
  return machine;
}

function every(look: Look): void {
  fc.assert(
    fc.property(opsArbitrary, (ops) => void run(ops, look)),
    PARAMETERS,
  );
}

const workersOf = (registry: FactMachine["core"]["registry"]): [string, WorkerSnapshot][] => [
  ...registry.entries("worker"),
];

describe("any facts in any order", () => {
  it("are passed over only where the chart passes over them too", () => {
    const counts = { "probe.succeeded": 0, "instance.seen": 0 };
    const look = (machine: FactMachine, fact: FactInput): void => {
      const { core, nowMs: atMs } = machine;
      if (!tellsNothing(core.registry, fact)) return;
      counts[fact.type as keyof typeof counts]++;
      const id =
        fact.type === "instance.seen"
          ? core.registry.workerOfInstance(fact.instanceId)
          : (fact as FactOf<"probe.succeeded">).workerId;
      const worker = core.registry.get("worker", id ?? "") as WorkerSnapshot;
      const event = { ...fact, atMs, seq: core.seq + 1, settings: core.settings };
      const { snapshot, commands, notices } = step(workerMachine, worker, event as never);
      expect([snapshot === worker, commands, notices]).toEqual([true, [], []]);
    };
    fc.assert(
      fc.property(opsArbitrary, (ops) => {
        const machine = new FactMachine();
        for (const op of ops)
          for (const fact of machine.facts(op)) {
            look(machine, fact);
            machine.give(fact);
          }
      }),
      { ...PARAMETERS, numRuns: 100 },
    );
    expect(counts["probe.succeeded"]).toBeGreaterThan(20);
    expect(counts["instance.seen"]).toBeGreaterThan(20);
  });

  it("make valid records with unique commands, each of the record's seq", () => {
    const ids = new WeakMap<FactMachine, Set<string>>();
    every(({ record }, machine) => {
      if (!record) return;
      expect(recordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
      const seen = ids.get(machine) ?? new Set<string>();
      ids.set(machine, seen);
      for (const { id } of record.commands) {
        expect(id.startsWith(`j1-${record.seq}-`)).toBe(true);
        expect(seen.has(id)).toBe(false);
        seen.add(id);
      }
    });
  });

  it("change nothing at all where they make no record", () => {
    const states = new WeakMap<FactMachine, string>();
    every(({ record, changes }, machine) => {
      const state = machine.core.store();
      if (!record) expect([changes, state]).toEqual([[], states.get(machine) ?? state]);
      states.set(machine, state);
    });
  });

  it("ask once for each instance, and have one worker for each", () => {
    const created = new WeakMap<FactMachine, Set<string>>();
    every(({ record }, machine) => {
      const asked = created.get(machine) ?? new Set<string>();
      created.set(machine, asked);
      for (const command of record?.commands ?? []) {
        if ("instanceId" in command) expect(command.instanceId).not.toBe("");
        if (command.kind !== "instance.create") continue;
        expect([command.id, asked.has(command.workerId)]).toEqual([command.workerId, false]);
        asked.add(command.workerId);
      }
      const instances = workersOf(machine.core.registry)
        .map(([, { context }]) => context.instanceId)
        .filter((instanceId) => instanceId !== "");
      expect(new Set(instances).size).toBe(instances.length);
      for (const instanceId of instances) {
        const id = machine.core.registry.workerOfInstance(instanceId) ?? "";
        expect(machine.core.registry.get("worker", id)?.context.instanceId).toBe(instanceId);
      }
    });
  });

  it("start a process only where that may be, and never a second one", () => {
    every(({ record }, _machine, before) => {
      for (const command of record?.commands ?? []) {
        if (command.kind !== "process.start") continue;
        const worker = before.get(command.workerId);
        expect(["idle", "running"]).toContain(worker?.value.lifecycle);
        expect(worker?.value.idleBehavior).toBe("run");
        for (const { context } of before.values())
          expect(Object.keys(context.processes)).not.toContain(command.containerId);
      }
    });
  });

  it("never have two calls for one container in flight", () => {
    const inFlight = new WeakMap<FactMachine, Map<string, string>>();
    every(({ record }, machine) => {
      const open = inFlight.get(machine) ?? new Map<string, string>();
      inFlight.set(machine, open);
      const { fact } = record ?? {};
      if (fact?.type === "daemon.started") open.clear();
      if (fact?.type === "operation.succeeded" || fact?.type === "operation.failed")
        open.delete(fact.containerId);
      for (const { id, kind, ...command } of record?.commands ?? []) {
        if (!kind.startsWith("container.") || !("containerId" in command)) continue;
        expect(open.get(command.containerId)).toBeUndefined();
        open.set(command.containerId, id);
      }
    });
  });

  it("destroy no worker with processes, but for the reasons that allow it", () => {
    let destroyedCount = 0;
    every(({ record, changes }) => {
      for (const change of changes) {
        if (change.kind !== "worker") continue;
        const [was, now] = [change.before, change.after] as [WorkerSnapshot, WorkerSnapshot];
        if (now.value.lifecycle !== "shutdown" || was?.value.lifecycle === "shutdown") continue;
        destroyedCount++;
        expect(now.context.shutdownReason).not.toBe("");
        if (Object.keys(now.context.processes).length > 0)
          expect([now.context.shutdownReason, mayDestroyBusy(now, record?.fact)]).toEqual([
            now.context.shutdownReason,
            true,
          ]);
      }
    });
    expect(destroyedCount).toBeGreaterThan(20);
  });

  it("keep what workers and containers say of a process the same", () => {
    every((_applied, { core: { registry } }) => {
      const onWorkers = workersOf(registry).flatMap(([workerId, { context }]) =>
        Object.keys(context.processes).map((id) => `${id} on ${workerId}`),
      );
      const inContainers = [...registry.entries("container")].flatMap(([id, { context }]) =>
        Object.keys(context.processes).map((workerId) => `${id} on ${workerId}`),
      );
      expect(inContainers.sort()).toEqual(onWorkers.sort());
      for (const [, { value, context }] of registry.entries("container")) {
        const alive = Object.keys(context.processes).length > 0;
        expect(["starting", "running", "unkillable"].includes(value.process)).toBe(alive);
      }
    });
  });

  it("are taken the same by a core that was stored and restored in between", () => {
    fc.assert(
      fc.property(opsArbitrary, (ops) => {
        const machine = new FactMachine();
        for (const op of ops)
          for (const input of machine.facts(op)) {
            const twin = Core.restore(machine.core.store());
            const { record } = machine.give(input);
            const again = twin.apply({ ...input, atMs: machine.nowMs });
            expect(again.record).toEqual(record);
            expect(twin.store()).toBe(machine.core.store());
          }
      }),
      PARAMETERS,
    );
  });

  it("replay to the same records and fold to the same state, from anywhere", () => {
    fc.assert(
      fc.property(opsArbitrary, fc.nat(100), (ops, at) => {
        const { records, core } = run(ops, () => {});
        const read = records.map((record) =>
          recordSchema.parse(JSON.parse(JSON.stringify(record))),
        );
        const replayed = replay(new Core("j1"), read);
        expect(replayed.difference).toBeUndefined();
        expect(replayed.core.store()).toBe(core.store());
        const middle = fold(new Core("j1"), read.slice(0, at % read.length));
        const rest = replay(Core.restore(middle.store()), read.slice(middle.seq));
        expect(rest.difference).toBeUndefined();
        expect(rest.core.store()).toBe(core.store());
        expect(fold(new Core("j1"), read).store()).toBe(core.store());
      }),
      PARAMETERS,
    );
  });
});
