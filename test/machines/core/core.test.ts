import { describe, expect, it } from "vitest";
import { Core } from "../../../src/machines/core/core.ts";
import { fold, replay } from "../../../src/machines/core/replay.ts";
import { ONLY } from "../../../src/machines/model/ids.ts";
import type { Decision } from "../../../src/machines/model/decision.ts";
import type { JournalRecord } from "../../../src/machines/model/record.ts";
import { recordSchema } from "../../../src/machines/model/record.ts";
import type { Settings } from "../../../src/machines/model/settings.ts";
import type { FactInput } from "../../../src/machines/model/fact.ts";
import { containerId, containerRecord } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { settings } from "../../support/settings.ts";

const [X, Y] = [containerId(1), containerId(2)];

/** A builder that keeps its records, as a journal does. */
class Journaled extends CoreBuilder {
  readonly records: JournalRecord[] = [];

  constructor(changes: Partial<Settings> = {}) {
    super(changes);
    // The first one was fed before there was a place for it.
    const fact = { type: "config.loaded", hash: "hash", settings: settings(changes) } as const;
    const { record } = new Core("j1").apply({ ...fact, atMs: this.nowMs });
    if (record) this.records.push(record);
  }

  override feed(input: FactInput): ReturnType<CoreBuilder["feed"]> {
    const applied = super.feed(input);
    if (applied.record && this.records) this.records.push(applied.record);
    return applied;
  }

  /** As they come back from the disk. */
  read(): JournalRecord[] {
    return this.records.map((record) => recordSchema.parse(JSON.parse(JSON.stringify(record))));
  }

  probed(workerId: string, containerIds: string[] = [], basedOnSeq = this.core.seq): void {
    const listing = { containerIds, broken: false, stale: false, bootError: "" };
    const probe = { basedOnSeq, startedAtMs: this.nowMs, booted: true, ...listing };
    this.feed({ type: "probe.succeeded", workerId, ...probe });
  }

  decided(polledSeq = this.core.seq): readonly Decision[] {
    const { record } = this.feed({ type: "planner.ran", polledSeq, seen503AtMs: null });
    return record?.decisions.filter((decision) => decision.do !== "wait") ?? [];
  }

  polled(id: string, state: "Queued" | "Locked" | "Running" | "Complete" | "Cancelled"): void {
    const basedOnSeq = this.core.seq;
    this.feed({ type: "container.changed", containerId: id, basedOnSeq, state, priority: "1" });
  }

  container$(id: string): { record: unknown; operation: unknown; process: unknown } | undefined {
    return this.core.registry.get("container", id)?.value;
  }

  seen(instanceId: string, createdBy: string | null, instanceType = "type1"): void {
    this.feed({
      type: "instance.seen",
      basedOnSeq: this.core.seq,
      instanceId,
      createdBy,
      address: "10.0.0.1",
      instanceType,
      providerType: "providertype1",
      idleBehavior: "run",
    });
  }

  ids(): readonly string[] {
    return this.core.registry.ids("worker");
  }
}

const dispatching = (changes: Partial<Settings> = {}): Journaled =>
  new Journaled(changes).dispatching();

describe("the whole life of a container", () => {
  it("is a record, a command and a reason at every step", () => {
    const builder = dispatching();
    builder.container(X, { priority: "9007199254740993" });
    expect(builder.decided()).toEqual([expect.objectContaining({ do: "lock", container: X })]);
    const lock = builder.records.at(-1)?.commands[0];
    expect(lock).toMatchObject({ kind: "container.lock", containerId: X });
    const outcome = { operation: "lock", state: "Locked", priority: null } as const;
    const commandId = lock?.id ?? "";
    builder.feed({ type: "operation.succeeded", commandId, containerId: X, ...outcome });
    const [create] = builder.decided();
    expect(create).toMatchObject({ do: "create", instanceType: "type1" });
    const [workerId = ""] = builder.ids();
    expect(workerId).toBe(`j1-${builder.core.seq}-1`);
    expect(builder.decided()).toEqual([]);
    builder.createEnds("i-1");
    builder.probed(workerId);
    expect(builder.decided()).toEqual([
      expect.objectContaining({ do: "start", container: X, worker: workerId }),
    ]);
    expect(builder.container$(X)?.process).toBe("starting");
    const started = { workerId, containerId: X, commandId: "j1-9-1", error: "" };
    builder.feed({ type: "start.returned", ...started, outcome: "started" });
    expect(builder.container$(X)?.process).toBe("running");
    builder.polled(X, "Running");
    expect(builder.decided()).toEqual([]);
    builder.probed(workerId);
    builder.polled(X, "Complete");
    expect(builder.decided()).toEqual([{ do: "kill", container: X, reason: "state=Complete" }]);
    expect(builder.decided()).toEqual([{ do: "forget", container: X, reason: "state=Complete" }]);
    expect(builder.container$(X)).toBeUndefined();
    for (const { decisions } of builder.records)
      for (const decision of decisions) expect(decision.reason !== undefined).toBe(true);
  });

  it("judges no process by a record older than its exit (specification §4.2)", () => {
    const builder = dispatching();
    builder.instance("i-1", "type1", [X]).container(X, { state: "Running" });
    const polledSeq = builder.core.seq;
    builder.probed("i-1");
    // The poll began before the exit was noticed: it may have missed how it ended.
    expect(builder.decided(polledSeq)).toEqual([]);
    expect(builder.decided()).toEqual([
      { do: "cancel", container: X, reason: "state=Running after crunch-run exited" },
    ]);
  });

  it("gives a lock back when the process is lost, and starts over", () => {
    const builder = dispatching();
    builder.instance("i-1", "type1", [X]).container(X, { state: "Locked" });
    builder.probed("i-1");
    expect(builder.decided()).toEqual([
      { do: "requeue", container: X, reason: "crunch-run exited" },
    ]);
    const [command] = builder.records.at(-1)?.commands ?? [];
    const unlocked = { operation: "unlock", state: "Queued", priority: "1" } as const;
    const commandId = command?.id ?? "";
    builder.feed({ type: "operation.succeeded", commandId, containerId: X, ...unlocked });
    expect(builder.decided().map((decision) => decision.do)).toEqual(["kill"]);
    expect(builder.decided().map((decision) => decision.do)).toEqual(["lock"]);
  });

  it("kills what nobody wants, and what the queue does not know", () => {
    const builder = dispatching();
    builder.instance("i-1", "type2", [X, Y]).container(X, { state: "Running", priority: "0" });
    const decided = builder.decided();
    expect(decided).toEqual([
      { do: "kill", container: X, reason: "priority=0" },
      { do: "kill", container: Y, reason: "not in queue" },
    ]);
    expect(builder.records.at(-1)?.commands.map(({ kind }) => kind)).toEqual([
      "process.kill",
      "process.kill",
    ]);
    expect(builder.decided()).toEqual([]);
  });

  it("cancels what can never run, with the reason, once", () => {
    const builder = dispatching();
    builder.container(X, { vcpus: 99 });
    const [decision, ...others] = builder.decided();
    expect(others).toEqual([]);
    expect(decision).toMatchObject({ do: "cancel", container: X });
    const [command] = builder.records.at(-1)?.commands ?? [];
    expect(command).toMatchObject({ kind: "container.cancel", error: decision?.reason });
    expect(builder.decided()).toEqual([]);
    // Its outcome unknown after a crash, it is tried again only after a new poll and list.
    builder.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    expect(builder.records.at(-1)?.commands).toEqual([]);
    builder.feed({ type: "lease.acquired" });
    expect(builder.decided()).toEqual([]);
    builder.dispatching();
    expect(builder.records.at(-1)?.decisions).toEqual([expect.objectContaining({ do: "cancel" })]);
  });

  it("cancels a rejected container that runs only when it can run nowhere any more", () => {
    const builder = dispatching();
    const rejected = { state: "Running", error: "priority: not a number" } as const;
    builder.feed({
      type: "container.rejected",
      containerId: X,
      basedOnSeq: builder.core.seq,
      ...rejected,
    });
    builder.seen("i-1", null);
    expect(builder.decided()).toEqual([]);
    builder.probed("i-1", [X]);
    expect(builder.decided().map((decision) => decision.do)).toEqual(["kill"]);
    const polledSeq = builder.core.seq;
    builder.probed("i-1");
    expect(builder.decided(polledSeq)).toEqual([]);
    expect(builder.decided()).toEqual([
      { do: "cancel", container: X, reason: "priority: not a number" },
    ]);
  });

  it("cancels one that waits when an operator asks, and starts nothing for it any more", () => {
    const builder = dispatching();
    builder.container(X).plan();
    builder.feed({ type: "cancel.requested", containerId: X, reason: "wrong input" });
    expect(builder.records.at(-1)?.commands).toEqual([]);
    const operation = builder.core.registry.get("container", X)?.value.operation;
    if (operation === "locking") {
      const lock = builder.records.flatMap(({ commands }) => commands).at(-1);
      const outcome = { operation: "lock", state: "Locked", priority: null } as const;
      const commandId = lock?.id ?? "";
      builder.feed({ type: "operation.succeeded", commandId, containerId: X, ...outcome });
    }
    const reason = "cancelled by an operator: wrong input";
    expect(builder.decided()).toEqual([{ do: "cancel", container: X, reason }]);
    expect(builder.records.at(-1)?.commands).toMatchObject([
      { kind: "container.cancel", containerId: X, error: reason },
    ]);
  });

  it("kills one that runs when an operator cancels it, and cancels it once its end is known", () => {
    const builder = dispatching();
    builder.instance("i-1", "type1", [X]).container(X, { state: "Running" });
    builder.feed({ type: "cancel.requested", containerId: X, reason: "" });
    expect(builder.records.at(-1)?.commands).toMatchObject([{ kind: "process.kill" }]);
    expect(builder.decided()).toEqual([]);
    builder.probed("i-1");
    expect(builder.decided()).toEqual([
      { do: "cancel", container: X, reason: "cancelled by an operator" },
    ]);
  });

  it("forgets one that is cancelled and then put on hold: it cannot be locked", () => {
    const builder = dispatching();
    builder.container(X);
    builder.feed({ type: "cancel.requested", containerId: X, reason: "" });
    const held = { state: "Queued", priority: "0" } as const;
    const basedOnSeq = builder.core.seq;
    builder.feed({ type: "container.changed", containerId: X, basedOnSeq, ...held });
    expect(builder.decided()).toEqual([
      { do: "forget", container: X, reason: "on hold: priority=0" },
    ]);
    expect(builder.core.registry.get("container", X)).toBeUndefined();
  });

  it("kills all processes of a container, wherever they are, when an operator asks", () => {
    const builder = dispatching();
    builder.instance("i-1", "type1", [X]).instance("i-2", "type1", [X]);
    builder.container(X, { state: "Running" });
    builder.feed({ type: "kill.requested", containerId: X, reason: "stuck" });
    const kills = builder.records.at(-1)?.commands;
    expect(kills?.map((one) => "workerId" in one && one.workerId)).toEqual(["i-1", "i-2"]);
    const before = builder.core.seq;
    builder.feed({ type: "kill.requested", containerId: X, reason: "stuck" });
    builder.feed({ type: "kill.requested", containerId: Y, reason: "nobody" });
    expect(builder.core.seq).toBe(before);
  });
});

describe("instances and creates", () => {
  const creating = (changes: Partial<Settings> = {}): Journaled => {
    const builder = dispatching(changes);
    builder.container(X, { state: "Locked" }).plan();
    expect(builder.ids()).toHaveLength(1);
    return builder;
  };

  it("of a lost create is adopted by its secret, not as a stranger", () => {
    const builder = creating();
    const [workerId = ""] = builder.ids();
    builder.createEnds({ code: "timeout", message: "no answer" });
    builder.seen("i-7", workerId);
    expect(builder.ids()).toEqual([workerId]);
    expect(builder.core.registry.workerOfInstance("i-7")).toBe(workerId);
    expect(builder.core.registry.get("worker", workerId)?.value.lifecycle).toBe("booting");
  });

  it("that turns up after its create was given up is adopted as unknown", () => {
    const builder = creating();
    const [workerId = ""] = builder.ids();
    builder.createEnds({ code: "timeout", message: "no answer" });
    for (let list = 0; list < 2; list++) {
      builder.nowMs += 600_000;
      const of = { workerId, basedOnSeq: builder.core.seq, lastGoodProbeAtMs: 0 };
      builder.feed({ type: "instance.missing", ...of, listStartedAtMs: builder.nowMs });
    }
    expect(builder.ids()).toEqual([]);
    builder.seen("i-7", workerId);
    expect(builder.core.registry.get("worker", "i-7")?.value.lifecycle).toBe("unknown");
  });

  it("that was made twice is two workers, each with its own", () => {
    const builder = creating();
    const [workerId = ""] = builder.ids();
    builder.seen("i-1", workerId);
    builder.seen("i-2", workerId);
    expect(builder.core.registry.workerOfInstance("i-1")).toBe(workerId);
    expect(builder.core.registry.workerOfInstance("i-2")).toBe("i-2");
    builder.createEnds("i-2");
    expect(builder.core.registry.get("worker", workerId)?.context).toMatchObject({
      instanceId: "i-1",
      createOpen: false,
    });
  });

  it("that a list showed without its secret is one worker when the create returns", () => {
    const builder = creating();
    builder.seen("i-1", null);
    expect(builder.ids()).toHaveLength(2);
    builder.createEnds("i-1");
    expect(builder.ids()).toEqual(["i-1"]);
    expect(builder.core.registry.workerOfInstance("i-1")).toBe("i-1");
  });

  it("of a type that is not configured drains, unless its tag says hold", () => {
    const builder = dispatching();
    const seen = (instanceId: string, idleBehavior: "run" | "hold" | ""): unknown => {
      const told = { createdBy: null, address: "", instanceType: "constructor", providerType: "p" };
      const basedOnSeq = builder.core.seq;
      builder.feed({ type: "instance.seen", basedOnSeq, instanceId, ...told, idleBehavior });
      return builder.core.registry.get("worker", instanceId)?.value;
    };
    expect(seen("i-1", "run")).toEqual({ lifecycle: "unknown", idleBehavior: "drain" });
    expect(seen("i-2", "")).toEqual({ lifecycle: "unknown", idleBehavior: "drain" });
    expect(seen("i-3", "hold")).toEqual({ lifecycle: "unknown", idleBehavior: "hold" });
    builder.container(X);
    expect(() => builder.plan()).not.toThrow();
    builder.probed("i-1");
    expect(builder.core.registry.get("worker", "i-1")?.context.shutdownReason).toBe(
      "drained: its instance type is not configured",
    );
  });

  it("counts creates in flight, and those whose outcome is unknown no more", () => {
    const builder = creating({ maxConcurrentInstanceCreateOps: 1 });
    builder.container(Y, { state: "Locked" });
    expect(builder.decided()).toEqual([
      { do: "holdCreates", reason: "as many creates as may be in flight at once" },
    ]);
    expect(builder.core.registry.get("throttle", ONLY)?.value).toBe("held");
  });
});

describe("folding and replaying", () => {
  /** Everything the planner tells other machines than workers and containers, too. */
  const eventful = (): Journaled => {
    const builder = new Journaled({ maxConcurrentInstanceCreateOps: 1 });
    builder.seen("i-0", null);
    builder.container(X, { state: "Locked" }).container(Y, { state: "Locked" });
    builder.dispatching();
    builder.probed("i-0");
    builder.plan();
    for (const n of [3, 4]) builder.container(containerId(n), { state: "Locked", vcpus: 4 });
    builder.plan();
    return builder;
  };

  it("come to the same state with the recorded decisions as with new ones", () => {
    const builder = eventful();
    const told = builder.records.flatMap(({ decisions }) => decisions.map((one) => one.do));
    expect(told).toContain("delayRecovery");
    expect(told).toContain("finishRecovery");
    expect(told).toContain("holdCreates");
    const records = builder.read();
    expect(fold(new Core("j1"), records).store()).toBe(builder.core.store());
    const { core, difference, recordsCount } = replay(new Core("j1"), records);
    expect([difference, recordsCount]).toEqual([undefined, records.length]);
    expect(core.store()).toBe(builder.core.store());
  });

  it("come to the same state from wherever a checkpoint was taken", () => {
    const builder = eventful();
    const records = builder.read();
    for (const { seq } of records) {
      const early = fold(new Core("j1"), records.slice(0, seq));
      const restored = Core.restore(early.store());
      expect(restored.store()).toBe(early.store());
      const { core, difference } = replay(restored, records.slice(seq));
      expect(difference).toBeUndefined();
      expect(core.store()).toBe(builder.core.store());
    }
  });

  it("name the first difference, and stop there", () => {
    const records = eventful().read();
    const at = records.findIndex(({ decisions }) => decisions.length > 0);
    const other = records.with(at, { ...(records[at] as JournalRecord), decisions: [] });
    const { difference, recordsCount } = replay(new Core("j1"), other);
    expect(recordsCount).toBe(at);
    expect(difference).toMatchObject({ seq: at + 1, what: "decisions", recorded: [] });
    const missing = replay(new Core("j1"), [records[0] as JournalRecord, ...records.slice(2)]);
    expect(missing.difference).toMatchObject({ what: "seq" });
  });
});

describe("applying a fact", () => {
  it("needs a configuration first", () => {
    const core = new Core("j1");
    const fact = { type: "lease.acquired", atMs: 1 } as const;
    expect(core.apply(fact)).toEqual({ record: undefined, changes: [], queue: undefined });
  });

  it("never goes back in time, whatever a fact says", () => {
    const builder = dispatching();
    const { nowMs } = builder;
    builder.nowMs -= 3_600_000;
    builder.seen("i-1", null);
    expect(builder.core.atMs).toBe(nowMs);
    expect(builder.core.registry.get("worker", "i-1")?.context.appearedAtMs).toBe(nowMs);
  });

  it("that concerns nobody changes nothing", () => {
    const builder = dispatching();
    const before = builder.core.store();
    const of = { workerId: "nobody", commandId: "j1-1-1", containerId: X };
    const failure = { code: "other", message: "no" } as const;
    const asked = { reason: "test" };
    builder.feed({ type: "ssh.connected", ...of });
    builder.feed({ type: "create.succeeded", ...of, instanceId: "i-1", address: "" });
    builder.feed({ type: "destroy.failed", ...of, failure });
    builder.feed({ type: "start.returned", ...of, outcome: "started", error: "" });
    builder.feed({ type: "kill.returned", ...of, gone: true, error: "" });
    builder.feed({ type: "operation.failed", ...of, operation: "lock", failure });
    builder.feed({ type: "behavior.requested", ...of, behavior: "hold", ...asked });
    builder.feed({ type: "shutdown.requested", ...of, ...asked });
    builder.feed({ type: "container.missing", ...of, basedOnSeq: 1 });
    builder.probed("nobody", [X]);
    expect(builder.core.store()).toBe(before);
  });

  it("leaves everything as it was when a machine breaks its rules", () => {
    const builder = dispatching();
    builder.instance("i-1", "type1", [X]);
    const before = builder.core.store();
    const bad = { type: "container.added", containerId: X, basedOnSeq: 1, atMs: 1 } as const;
    expect(() => builder.core.apply({ ...bad, record: null as never })).toThrow();
    const worse = containerRecord({ priority: "not a number" });
    builder.container(Y, worse);
    const broken = builder.core.store();
    expect(() => builder.plan()).toThrow();
    expect(builder.core.store()).toBe(broken);
    expect(before).not.toBe(broken);
  });
});
