import { describe, expect, it } from "vitest";
import type { Journal } from "../../src/drivers/journal/port.ts";
import type { Change } from "../../src/machines/core/draft.ts";
import type { SnapshotOf } from "../../src/machines/core/registry.ts";
import type { IdleBehavior } from "../../src/machines/model/command.ts";
import type { ContainerState, FactOf } from "../../src/machines/model/fact.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import { addressFollowed } from "../../src/simulator/invariants/address-followed.ts";
import { brokenWorkerDrained } from "../../src/simulator/invariants/broken-worker-drained.ts";
import { cancelHolds } from "../../src/simulator/invariants/cancel-holds.ts";
import { creatorFound } from "../../src/simulator/invariants/creator-found.ts";
import { commandsInOrder } from "../../src/simulator/invariants/commands-in-order.ts";
import { createsAwaited } from "../../src/simulator/invariants/creates-awaited.ts";
import { createsWithinNeed } from "../../src/simulator/invariants/creates-within-need.ts";
import { durableFirst } from "../../src/simulator/invariants/durable-first.ts";
import { endsKept } from "../../src/simulator/invariants/ends-kept.ts";
import { heldWorkerKept } from "../../src/simulator/invariants/held-worker-kept.ts";
import { liveWorkKept } from "../../src/simulator/invariants/live-work-kept.ts";
import { nothingLeftBehind } from "../../src/simulator/invariants/nothing-left-behind.ts";
import { oneCallAtATime } from "../../src/simulator/invariants/one-call-at-a-time.ts";
import { oneProcessAtATime } from "../../src/simulator/invariants/one-process-at-a-time.ts";
import { reasonsExist } from "../../src/simulator/invariants/reasons-exist.ts";
import { reasonsSettle } from "../../src/simulator/invariants/reasons-settle.ts";
import { recordNewerThanExit } from "../../src/simulator/invariants/record-newer-than-exit.ts";
import { refusalsHeeded } from "../../src/simulator/invariants/refusals-heeded.ts";
import { restartRepeats } from "../../src/simulator/invariants/restart-repeats.ts";
import { signalsPaced } from "../../src/simulator/invariants/signals-paced.ts";
import { spendAddsUp } from "../../src/simulator/invariants/spend-adds-up.ts";
import { startsFit } from "../../src/simulator/invariants/starts-fit.ts";
import { startsRemembered } from "../../src/simulator/invariants/starts-remembered.ts";
import { timeGoesOn } from "../../src/simulator/invariants/time-goes-on.ts";
import { unwantedEnded } from "../../src/simulator/invariants/unwanted-ended.ts";
import { wantedProcessKept } from "../../src/simulator/invariants/wanted-process-kept.ts";
import { C1, lastSeq, record, verdict, worker, world, worldOf } from "./invariant-rig.ts";
import type { Actors, Lifecycle, Part } from "./invariant-rig.ts";

describe("a check fails when", () => {
  it("a container is started while it has a process, or runs again", () => {
    const on = (instanceId: string) => ({ containerId: C1, instanceId, atMs: 0 });
    const detached = { type: "process.detached" } as const;
    const twice = [
      { ...detached, ...on("i-1") },
      { ...detached, ...on("i-2") },
    ];
    expect(verdict(oneProcessAtATime(), twice)).toMatch(/is started on i-2 while/);
    const began = { type: "process.began", ...on("i-1") } as const;
    expect(verdict(oneProcessAtATime(), [began, began])).toMatch(/runs for a second time/);
  });

  it("a container is taken back that still runs", () => {
    const cloud = { instanceIds: ["i-1"], vm: () => ({ runningIds: [C1] }) };
    const moved = { type: "container.moved", atMs: 0, containerId: C1, state: "Queued" } as const;
    const at = worldOf({ cloud });
    expect(verdict(liveWorkKept(), [{ ...moved, by: "dispatcher" }], at)).toMatch(/i-1/);
    expect(verdict(liveWorkKept(), [{ ...moved, by: "user" }], at)).toBe("");
    const unlock = { kind: "container.unlock", containerId: C1 } as const;
    expect(verdict(liveWorkKept(), [record({ commands: [unlock] })], at)).toMatch(/i-1/);
    const lock = { kind: "container.lock", containerId: C1 } as const;
    expect(verdict(liveWorkKept(), [record({ commands: [lock] })], at)).toBe("");
  });

  it("a container that was Complete is cancelled", () => {
    const moved = (state: "Complete" | "Cancelled") =>
      ({ type: "container.moved", atMs: 0, containerId: C1, state, by: "dispatcher" }) as const;
    const [complete, cancelled] = [moved("Complete"), moved("Cancelled")];
    expect(verdict(endsKept(), [complete, cancelled])).toMatch(/was Complete, and is made Canc/);
    expect(verdict(endsKept(), [cancelled])).toBe("");
  });

  it("a VM or a container is left at the end", () => {
    const cloud = { instanceIds: ["i-9"] };
    const queue = { containers: new Map() };
    const at = worldOf({ cloud, queue });
    expect(nothingLeftBehind().checkEnd?.(at)).toMatch(/i-9/);
    const record = { state: "Complete", priority: "1" } as const;
    const ended = { containerId: C1, endsCount: 2, record };
    const twice = { cloud: { instanceIds: [] }, queue: { containers: new Map([[C1, ended]]) } };
    expect(nothingLeftBehind().checkEnd?.(worldOf(twice))).toMatch(/ended 2 times/);
  });

  it("a worker is created twice", () => {
    const create = { kind: "instance.create", workerId: "w1", instanceType: "t" } as const;
    const events = [record({ commands: [create] }), record({ commands: [create] })];
    expect(verdict(commandsInOrder(), events)).toBe("w1 is created twice");
  });

  it("something is asked for a container while a call for it is in flight", () => {
    const lock = { id: "c1", kind: "container.lock", containerId: C1 } as const;
    const start = { id: "c2", kind: "process.start", containerId: C1, workerId: "w1" } as const;
    const done = { type: "operation.succeeded", commandId: "c1", containerId: C1 } as const;
    const [locked, started] = [record({ commands: [lock] }), record({ commands: [start] })];
    expect(verdict(oneCallAtATime(), [locked, started])).toMatch(/container.lock \(c1\)/);
    expect(verdict(oneCallAtATime(), [locked, record({ fact: done }), started])).toBe("");
    const failed = (atMs: number) =>
      record({ fact: { ...done, type: "operation.failed", atMs: atMs - 500 } });
    const { atMs } = started;
    expect(verdict(oneCallAtATime(), [failed(atMs + 1), started])).toMatch(/has just failed/);
    expect(verdict(oneCallAtATime(), [failed(atMs), started])).toBe("");
  });

  it("a worker that says it is broken, keeps a stale lock, or is of a removed type is not drained", () => {
    const behaving = (idleBehavior: IdleBehavior) =>
      ({ value: { lifecycle: "idle", idleBehavior } }) as const;
    const at = world({ workers: [["w1", behaving("run")]] });
    const drained = world({ workers: [["w1", behaving("drain")]] });
    const probe = (told: Part<FactOf<"probe.succeeded">>) =>
      record({ fact: { type: "probe.succeeded", workerId: "w1", broken: false, ...told } });
    const broken = probe({ broken: true, stale: false });
    expect(verdict(brokenWorkerDrained(), [broken], at)).toMatch(/w1 has said that it is broken/);
    expect(verdict(brokenWorkerDrained(), [broken], drained)).toBe("");
    const stale = [probe({ stale: true, atMs: 1_000 }), probe({ stale: true, atMs: 200_000 })];
    expect(verdict(brokenWorkerDrained(), stale, at)).toMatch(/a stale run lock for 199000 ms/);
    const freed = [stale[0]!, probe({ stale: false, atMs: 2_000 }), stale[1]!];
    expect(verdict(brokenWorkerDrained(), freed, at)).toBe("");
    const started = (instanceType: string) =>
      record({ fact: { type: "daemon.started" }, changes: [worker("w1", { instanceType })] });
    expect(verdict(brokenWorkerDrained(), [started("removed")], at)).toMatch(/not configured/);
    expect(verdict(brokenWorkerDrained(), [started("removed")], drained)).toBe("");
    expect(verdict(brokenWorkerDrained(), [started("t")], at)).toBe("");
  });

  it("a worker is asked where it is no more, as a list has told", () => {
    const seen = (address: string) =>
      record({ fact: { type: "instance.seen", instanceId: "i-1", address } });
    const missed = { type: "vm.missed", atMs: 0, instanceId: "i-1", address: "old" } as const;
    const events = [seen("old"), missed];
    expect(verdict(addressFollowed(), events)).toBe("");
    expect(verdict(addressFollowed(), [...events, seen("new"), missed])).toMatch(/at new/);
  });

  it("a held worker is destroyed, and no operator asked", () => {
    const destroy = { kind: "instance.destroy", workerId: "w1", instanceId: "i-1" } as const;
    const ended = (shutdownReason: string) => ({
      ...worker("w1", { shutdownReason }, { lifecycle: "shutdown", idleBehavior: "hold" }),
      before: { value: { lifecycle: "idle", idleBehavior: "hold" } as const },
    });
    const because = (reason: string) => record({ commands: [destroy], changes: [ended(reason)] });
    expect(verdict(heldWorkerKept(), [because("idle for TimeoutIdle")])).toMatch(/w1 is held/);
    expect(verdict(heldWorkerKept(), [because("an operator asked: x")])).toBe("");
  });

  it("the time within a run stands still", () => {
    const now = (atMs: number, factAtMs: number) => ({
      ...record({ fact: { type: "queue.polled", atMs: factAtMs } }),
      atMs,
    });
    const start = (factAtMs: number) => ({
      ...record({ fact: { type: "daemon.started", atMs: factAtMs } }),
      atMs: 10_000,
    });
    const behind = { type: "daemon.started", atMs: 9_000, clockOffsetMs: -5_000 } as const;
    const events = [behind, start(5_000), now(20_000, 15_000)];
    expect(verdict(timeGoesOn(), events)).toBe("");
    expect(verdict(timeGoesOn(), [...events, now(30_000, 15_000)])).toMatch(/10000 ms behind/);
    expect(verdict(timeGoesOn(), [behind, now(10_000, 90_000), start(5_000)])).toBe("");
    expect(verdict(timeGoesOn(), [behind, start(90_000)])).toMatch(/85000 ms ahead of the wall/);
  });

  it("somebody remembers what is still to come, after a start", () => {
    const start = {
      ...record({ fact: { type: "daemon.started", atMs: 5_000 } }),
      atMs: 5_000,
    };
    const after = (parts: Parameters<typeof world>[0]) =>
      verdict(timeGoesOn(), [start], world(parts));
    const born = (bornAtMs: number): Actors<"worker"> => [["w1", { context: { bornAtMs } }]];
    expect(after({ workers: born(5_000) })).toBe("");
    expect(after({ workers: born(6_000) })).toMatch(/w1 was born 1000 ms from now/);
    const seen: Actors<"container"> = [[C1, { context: { firstSeenAtMs: 7_000 } }]];
    expect(after({ containers: seen })).toMatch(/was first seen 2000 ms from now/);
  });

  it("the time goes back between two records, and no start says so", () => {
    const at = (atMs: number, changes: Part<FactOf<"daemon.started">> = {}) =>
      ({ seq: 1, fact: { type: "daemon.started", atMs, ...changes } }) as const;
    const judge = (...records: Part<JournalRecord>[]) =>
      timeGoesOn().checkEnd?.(worldOf({ journal: { read: () => records } }));
    const setBack = { fromMs: 9_000, sinceMs: 1_000 };
    expect(judge(at(1_000), at(9_000), at(2_000, { setBack }), at(3_000))).toBeUndefined();
    expect(judge(at(1_000), at(9_000), at(2_000))).toMatch(/7000 ms before the record/);
    expect(judge(at(9_500), at(2_000, { setBack }))).toMatch(/7500 ms before the record/);
  });

  it("a start judges locks before a worker has answered", () => {
    const lock = {
      value: { record: "Locked", operation: "none", process: "absent" },
      context: { rejection: "", unfit: "" },
    } as const;
    const unknown = { value: { lifecycle: "unknown" }, context: {} } as const;
    const finished = record({ decisions: [{ do: "finishRecovery", reason: "r" }] });
    const at = (workers: Actors<"worker">) => world({ workers, containers: [[C1, lock]] });
    const said = verdict(restartRepeats(), [finished], at([["w1", unknown]]));
    expect(said).toMatch(/w1 is not asked whether it runs it/);
    expect(verdict(restartRepeats(), [finished], at([]))).toBe("");
  });

  it("an instance is adopted while its creator waits for it", () => {
    const creator = { value: { lifecycle: "creating" }, context: {} } as const;
    const made = { type: "vm.created", atMs: 0, instanceId: "i-1", pricePerHour: 1 } as const;
    const adopted = record({ changes: [worker("i-1", { instanceId: "i-1" })] });
    const events = [{ ...made, createdBy: "w1" }, adopted];
    expect(verdict(creatorFound(), events, world({ workers: [["w1", creator]] }))).toMatch(/w1/);
    expect(verdict(creatorFound(), events)).toBe("");
  });

  it("a create without an answer is given up, and its VM is there or comes yet", () => {
    const made = { type: "vm.created", atMs: 0, instanceId: "i-1", pricePerHour: 1 } as const;
    const vm = { ...made, createdBy: "w1" };
    const lost = { ...worker("w1", { instanceId: "" }), removed: true };
    const givenUp = record({ fact: { type: "instance.missing" }, changes: [lost] });
    const at = (knownAs?: string) => {
      const known = { workerOfInstance: () => knownAs };
      const cloud = { vm: (id: string) => (id === "i-1" ? {} : undefined) };
      return worldOf({ cloud, dispatcher: { supervisor: { known } } });
    };
    expect(verdict(createsAwaited(), [vm, givenUp], at())).toMatch(/VM i-1 is there/);
    expect(verdict(createsAwaited(), [vm, givenUp], at("i-1"))).toBe("");
    expect(verdict(createsAwaited(), [givenUp, vm], at())).toMatch(/w1, which was given up/);
    const again = { type: "daemon.started", atMs: 0, clockOffsetMs: 0 } as const;
    expect(verdict(createsAwaited(), [givenUp, again, vm], at())).toBe("");
  });

  it("an exit is judged by a poll that began before it", () => {
    const exited = { kind: "container", id: C1, after: { value: { process: "exited" } } } as const;
    const end = record({ fact: { type: "probe.succeeded" }, changes: [exited] });
    const judged = record({ decisions: [{ do: "requeue", container: C1, reason: "r" }] });
    expect(verdict(recordNewerThanExit(), [end, judged])).toMatch(/by a poll of seq 0/);
    const polled = { type: "queue.polled", atMs: 0, beganSeq: 7 } as const;
    const older = record({ fact: { type: "planner.ran", polledSeq: 7 } });
    expect(verdict(recordNewerThanExit(), [polled, older])).toBe("");
    expect(verdict(recordNewerThanExit(), [older])).toMatch(/at seq 7, and began at 0/);
    const again = { type: "daemon.started", atMs: 0, clockOffsetMs: 0 } as const;
    const restarted = [end, again, judged];
    const at = (lastSeq: number) => worldOf({ ...world(), journal: { lastSeq } });
    const endedSeq = lastSeq() - 2;
    expect(verdict(recordNewerThanExit(), restarted, at(endedSeq))).toMatch(/by a poll of seq 0/);
    expect(verdict(recordNewerThanExit(), restarted, at(endedSeq - 1))).toBe("");
    const cleared = (recorded: ContainerState) => {
      const after = { value: { process: "absent", record: recorded } } as const;
      return record({ changes: [{ ...exited, after }] });
    };
    const running = [end, cleared("Running"), judged];
    expect(verdict(recordNewerThanExit(), running)).toMatch(/by a poll of seq 0/);
    expect(verdict(recordNewerThanExit(), [end, cleared("Queued"), judged])).toBe("");
  });

  it("a create comes before a refusal is over", () => {
    const failure = { code: "rateLimited", message: "429", retryAtMs: 1e9 } as const;
    const failed = record({ fact: { type: "create.failed", workerId: "w1", failure } });
    const create = { kind: "instance.create", workerId: "w2", instanceType: "t" } as const;
    expect(verdict(refusalsHeeded(), [failed, record({ commands: [create] })])).toMatch(/too soon/);
    const quota = {
      type: "create.failed",
      workerId: "w1",
      failure: { code: "quota", message: "" },
    } as const;
    const asked = [record({ fact: quota }), record({ commands: [create] })];
    expect(verdict(refusalsHeeded(), asked)).toMatch(/the quota is used up/);
    const list = (atMs: number) => ({ type: "list.asked", atMs }) as const;
    const peace = { type: "list.refused", atMs: 0, untilAtMs: 1_000 } as const;
    expect(verdict(refusalsHeeded(), [peace, list(900)])).toMatch(/100 ms too soon/);
    expect(verdict(refusalsHeeded(), [peace, list(1_000)])).toBe("");
    const again = { type: "daemon.started", atMs: 0, clockOffsetMs: 0 } as const;
    expect(verdict(refusalsHeeded(), [peace, again, list(900)])).toBe("");
  });

  it("something happens before its record is durable, or in another order", () => {
    const at = (lastSeq: number) => worldOf({ ...world(), journal: { lastSeq } });
    const create = {
      id: "w1",
      kind: "instance.create",
      workerId: "w1",
      instanceType: "t",
    } as const;
    const [one, two] = [record({ commands: [create] }), record({})];
    expect(verdict(durableFirst(), [one, two], at(lastSeq()))).toBe("");
    expect(verdict(durableFirst(), [one], at(lastSeq() - 2))).toMatch(/is not in the journal/);
    expect(verdict(durableFirst(), [one, record({})], at(lastSeq()))).toMatch(
      /and the next one is/,
    );
    const made = { type: "vm.created", atMs: 0, instanceId: "i-1", pricePerHour: 1 } as const;
    const [by1, by2] = ["w1", "w2"].map((createdBy) => ({ ...made, createdBy }));
    expect(verdict(durableFirst(), [one, by1!], at(lastSeq()))).toBe("");
    expect(verdict(durableFirst(), [one, by2!], at(lastSeq()))).toMatch(
      /for this: instance.create w2/,
    );
    const moved = { type: "container.moved", atMs: 0, containerId: C1, state: "Locked" } as const;
    expect(verdict(durableFirst(), [{ ...moved, by: "dispatcher" }])).toMatch(/container.lock/);
    expect(verdict(durableFirst(), [{ ...moved, by: "user" }])).toBe("");
  });

  it("the process of a wanted container is ended, and no operator asked", () => {
    const kill = {
      kind: "process.kill",
      workerId: "w1",
      instanceId: "i-1",
      containerId: C1,
    } as const;
    const at = (state: ContainerState, priority: string, journal: Part<Journal> = {}) =>
      worldOf({
        cloud: { vm: () => ({ runningIds: [C1] }) },
        queue: { containers: new Map([[C1, { record: { state, priority } }]]) },
        journal,
      });
    const killed = record({ commands: [kill] });
    expect(verdict(wantedProcessKept(), [killed], at("Running", "1"))).toMatch(/and it is wanted/);
    expect(verdict(wantedProcessKept(), [killed], at("Running", "0"))).toBe("");
    const asked = record({ fact: { type: "kill.requested", containerId: C1 } });
    expect(verdict(wantedProcessKept(), [asked, killed], at("Running", "1"))).toBe("");
    const read = () => [{ fact: { type: "cancel.requested", containerId: C1 } } as const];
    const durable = at("Running", "1", { read });
    const started = { type: "daemon.started", atMs: 0, clockOffsetMs: 0 } as const;
    expect(verdict(wantedProcessKept(), [started, killed], durable)).toBe("");
  });

  it("what an operator has cancelled is started, or ends otherwise", () => {
    type Process = SnapshotOf["container"]["value"]["process"];
    const taken = (process: Process): Part<Change> => ({
      kind: "container",
      id: C1,
      after: { value: { process }, context: { rejection: "cancelled by an operator" } },
    });
    const cancel = (process: Process) =>
      record({
        fact: { type: "cancel.requested", containerId: C1 },
        changes: [taken(process)],
      });
    const start = record({ commands: [{ kind: "process.start", containerId: C1 }] });
    expect(verdict(cancelHolds(), [cancel("absent"), start])).toMatch(
      /is started, and an operator/,
    );
    const ended = (process: Process, state: ContainerState) => {
      const invariant = cancelHolds();
      invariant.check(cancel(process), world());
      const containers = new Map([[C1, { record: { state, priority: "1" } }]]);
      return invariant.checkEnd?.(worldOf({ queue: { containers } }));
    };
    expect(ended("absent", "Cancelled")).toBeUndefined();
    expect(ended("absent", "Complete")).toMatch(/and ends Complete/);
    expect(ended("running", "Complete")).toBeUndefined();
  });

  it("something is started where it does not fit, or on a worker that takes no work", () => {
    const start = { kind: "process.start", workerId: "w1", containerId: C1 } as const;
    const needs = { context: { resources: { vcpus: 2, ram: 0, scratch: 0 } } };
    const on = (value: Part<SnapshotOf["worker"]["value"]>) => {
      const context = { instanceType: "t", processes: { [C1]: {} } };
      return world({ workers: [["w1", { value, context }]], containers: [[C1, needs]] });
    };
    const at = on({ lifecycle: "running", idleBehavior: "run" });
    expect(verdict(startsFit(), [record({ commands: [start] })], at)).toMatch(/2 vcpus of 1/);
    const drained = on({ lifecycle: "running", idleBehavior: "drain" });
    expect(verdict(startsFit(), [record({ commands: [start] })], drained)).toMatch(/is to drain/);
    const create = { kind: "instance.create", workerId: "w2", instanceType: "t" } as const;
    const created = [record({ commands: [create] })];
    expect(verdict(startsFit(), created, world())).toBe("");
    const stopping = world({ supervisor: "stopping" });
    expect(verdict(startsFit(), created, stopping)).toMatch(/the dispatcher is being drained/);
  });

  it("a process is signalled by two schedules, or a create that is over counts as one in flight", () => {
    const kill = { kind: "process.kill", instanceId: "i-1", containerId: C1, signal: 15 } as const;
    const at = (atMs: number) => record({ fact: { type: "clock.ticked", atMs }, commands: [kill] });
    const { dispatcher } = world({ workers: [["w1", { context: { createOpen: true } }]] });
    const { readModel, settings } = dispatcher!.supervisor;
    const supervisor = { readModel, settings: { ...settings, timeoutSignalMs: 5_000 } };
    const paced = worldOf({ dispatcher: { supervisor } });
    expect(verdict(signalsPaced(), [at(1_000), at(6_000)], paced)).toBe("");
    expect(verdict(signalsPaced(), [at(1_000), at(3_000)], paced)).toMatch(/again after 2000 ms/);
    const failed = record({ fact: { type: "create.failed", workerId: "w1" } });
    expect(verdict(createsWithinNeed(), [failed], paced)).toMatch(/of w1 is over, and counts/);
  });

  it("what nobody wants any more runs on", () => {
    const running = (
      priority: string,
      operation: SnapshotOf["container"]["value"]["operation"] = "none",
      lifecycle: Lifecycle = "running",
    ) => {
      const value = { record: "Running", process: "running", operation } as const;
      const context = { priority, rejection: "", processes: { w1: "running" } } as const;
      return world({
        workers: [["w1", { value: { lifecycle }, context: {} }]],
        containers: [[C1, { value, context }]],
      });
    };
    expect(verdict(unwantedEnded(), [record({})], running("0"))).toMatch(/it is not ended/);
    expect(verdict(unwantedEnded(), [record({})], running("0", "killing"))).toBe("");
    expect(verdict(unwantedEnded(), [record({})], running("1"))).toBe("");
    expect(verdict(unwantedEnded(), [record({})], running("0", "none", "shutdown"))).toBe("");
  });

  it("a start decides before it has listed and polled", () => {
    const started = { type: "daemon.started", atMs: 0, clockOffsetMs: 0 } as const;
    const decided = record({ decisions: [{ do: "lock", container: C1, reason: "r" }] });
    const listed = record({ fact: { type: "instances.listed" } });
    const polled = record({ fact: { type: "queue.polled" } });
    expect(verdict(restartRepeats(), [started, listed, polled, decided])).toBe("");
    const said = verdict(restartRepeats(), [started, listed, decided]);
    expect(said).toBe("lock is decided before queue.polled");
  });

  it("a start forgets a destroy", () => {
    const ending = worker("w1", {}, { lifecycle: "shutdown" });
    const started = { fact: { type: "daemon.started" }, changes: [ending] } as const;
    const destroy = { kind: "instance.destroy", workerId: "w1" } as const;
    expect(verdict(restartRepeats(), [record(started)])).toMatch(/w1 is to be destroyed/);
    expect(verdict(restartRepeats(), [record({ ...started, commands: [destroy] })])).toBe("");
  });

  it("a worker forgets a start in flight", () => {
    const start = { id: "c1", kind: "process.start", containerId: C1, workerId: "w1" } as const;
    const change = {
      ...worker("w1", { processes: {} }),
      before: { context: { processes: { [C1]: { state: "starting" } as const } } },
    };
    const events = [record({ commands: [start] }), record({ changes: [change] })];
    expect(verdict(startsRemembered(), events)).toMatch(/w1 forgets/);
  });

  it("one VM is paid for twice", () => {
    const paid = (id: string) => worker(id, { instanceId: "i-1", instanceType: "t" });
    const events = [record({ changes: [paid("w1")] }), record({ changes: [paid("w2")] })];
    expect(verdict(spendAddsUp(), events)).toBe("i-1 is paid for by w1 and w2");
  });

  it("something waits without a reason", () => {
    const waiting = {
      value: { record: "Queued", operation: "none" },
      context: { rejection: "", unfit: "", firstSeenSeq: 0, waitReason: "" },
    } as const;
    const at = world({ containers: [[C1, waiting]] });
    expect(verdict(reasonsExist(), [record({})], at)).toMatch(/waits without a reason/);
    const decided = record({ decisions: [{ do: "lock", container: C1, reason: "" }] });
    expect(verdict(reasonsExist(), [decided])).toMatch(/lock was decided without a reason/);
  });

  it("the recorded reason goes back and forth, and no limit has changed", () => {
    const waits = (everyMs: number) =>
      [1, 2, 3, 4, 5].map((at) => {
        const reason = at % 2 === 1 ? "atQuota" : "atCapacity";
        const decisions = [{ do: "wait", container: C1, reason }] as const;
        const fact = { type: "clock.ticked", atMs: at * everyMs } as const;
        return record({ fact, decisions, changes: [worker("w1", {})] });
      });
    const flaps = waits(20);
    expect(verdict(reasonsSettle(), waits(2_000))).toBe("");
    expect(verdict(reasonsSettle(), flaps)).toMatch(/waits for atQuota, then atCapacity, then/);
    const quota = record({ changes: [{ ...worker("dispatcher", {}), kind: "quota" }] });
    const withCauses = flaps.flatMap((flap) => [quota, flap]);
    expect(verdict(reasonsSettle(), withCauses)).toBe("");
  });

  it("a record is before the one that it follows", () => {
    const facts = [5, 4].map((atMs, at) => ({
      seq: at + 1,
      fact: { type: "lease.acquired", atMs } as const,
    }));
    const journal = { read: () => facts };
    expect(timeGoesOn().checkEnd?.(worldOf({ journal }))).toMatch(/1 ms before/);
  });
});
