import { formatSpan } from "../../../src/machines/model/amounts.ts";
import { describe, expect, it } from "vitest";
import { C1, C2, WorkerRig } from "../../support/worker-rig.ts";

const MINUTE_MS = 60_000;
const STATES = ["unknown", "booting", "idle", "running"] as const;

describe("a worker that is being created", () => {
  it("asks for one instance, named by its own id", () => {
    const rig = WorkerRig.creating();
    expect(rig.state).toBe("creating");
    expect(rig.commands).toEqual([
      { kind: "instance.create", workerId: "j1-1-1", instanceType: "type1" },
    ]);
  });

  it("boots when its create call returns", () => {
    const rig = WorkerRig.creating().after(5).created();
    expect(rig.state).toBe("booting");
    expect(rig.context).toMatchObject({
      instanceId: "i-1",
      createOpen: false,
      appearedAtMs: rig.nowMs,
    });
  });

  it("boots when a list shows its instance before the call returns, and counts once", () => {
    const rig = WorkerRig.creating().seen();
    expect(rig.state).toBe("booting");
    expect(rig.context.createOpen).toBe(true);
    rig.created();
    expect(rig.context.createOpen).toBe(false);
    expect(rig.kinds).toEqual([]);
  });

  it("keeps its instance when the list has shown it and the call fails all the same", () => {
    const rig = WorkerRig.creating().seen();
    const failure = { code: "timeout", message: "no answer" } as const;
    rig.send({ type: "create.failed", commandId: "j1-1-1", failure });
    expect([rig.state, rig.context.createOpen]).toEqual(["booting", false]);
  });

  it.each(["quota", "capacity", "rateLimited", "other"] as const)(
    "is gone when the cloud says %s",
    (code) => {
      const failure = { code, message: "no" };
      const rig = WorkerRig.creating().send({
        type: "create.failed",
        commandId: "j1-1-1",
        failure,
      });
      expect(rig.state).toBe("gone");
      expect(rig.context.shutdownReason).toBe("the cloud refused to create it");
      expect([...rig.kinds, ...rig.told]).toEqual([]);
    },
  );

  it.each(["timeout", "aborted"] as const)(
    "waits for a list, but not for ever, when the call ended with %s",
    (code) => {
      const failure = { code, message: "who knows" };
      const lost = (): WorkerRig =>
        WorkerRig.creating().send({ type: "create.failed", commandId: "j1-1-1", failure });
      expect([lost().state, lost().context.createOpen]).toEqual(["creating", false]);
      expect(
        lost()
          .after(5 * MINUTE_MS)
          .seen().state,
      ).toBe("booting");
      const missed = lost().after(MINUTE_MS).missing();
      expect(missed.after(9 * MINUTE_MS - 1).missing().state).toBe("creating");
      expect(missed.after(1).missing().state).toBe("creating");
      expect(missed.after(1).missing().state).toBe("gone");
      expect(missed.context.shutdownReason).toBe("the cloud never listed it");
    },
  );

  it("does not ask again after a restart, and waits for a list", () => {
    const rig = WorkerRig.creating().restarted();
    expect([rig.state, rig.kinds, rig.context.createOpen]).toEqual(["creating", [], false]);
    expect(
      rig
        .missing()
        .after(10 * MINUTE_MS)
        .missing().state,
    ).toBe("creating");
    expect(rig.after(1).missing().state).toBe("gone");
  });

  it("is not given up by a list that began before its VM could come, and one that lacks it", () => {
    const failure = { code: "timeout", message: "no answer" } as const;
    const rig = WorkerRig.creating().send({ type: "create.failed", commandId: "j1-1-1", failure });
    rig.after(1000).missing();
    // Its VM comes now, the cloud does not list for long, and when it does the list is incomplete.
    expect(rig.after(20 * MINUTE_MS).missing().state).toBe("creating");
    expect(rig.after(1000).seen().state).toBe("booting");
  });

  it("waits on while the cloud does not list, which tells nothing of a create without an answer", () => {
    const failure = { code: "timeout", message: "no answer" } as const;
    const rig = WorkerRig.creating().send({ type: "create.failed", commandId: "j1-1-1", failure });
    expect(rig.after(60 * MINUTE_MS).ticked().state).toBe("creating");
    // One list that is incomplete loses nobody.
    expect(rig.missing().state).toBe("creating");
    expect([rig.seen().state, rig.context.missingSinceMs]).toEqual(["booting", null]);
  });

  it("counts no list of the last run", () => {
    const rig = WorkerRig.creating().restarted().missing().restarted();
    expect(rig.after(10 * MINUTE_MS).missing().state).toBe("creating");
    expect(rig.after(MINUTE_MS).missing().state).toBe("gone");
  });

  it("leaves when another worker stands for its instance", () => {
    const rig = WorkerRig.creating().send({ type: "instance.taken" });
    expect([rig.state, rig.kinds]).toEqual(["gone", []]);
  });

  it("drains as soon as it has an instance, when that was asked for before", () => {
    const rig = WorkerRig.creating().asked("drain");
    expect([rig.state, rig.behavior, rig.kinds]).toEqual(["creating", "drain", []]);
    rig.created();
    expect([rig.state, rig.kinds]).toEqual(["shutdown", ["instance.destroy"]]);
    expect(rig.context.shutdownReason).toBe(
      "drained while booting: an operator asked: maintenance",
    );
  });
});

describe("boot and run probes (specification §7.3)", () => {
  it.each(["unknown", "booting"] as const)(
    "make an %s worker idle when both are fine and nothing is listed",
    (from) => {
      const rig = WorkerRig.in(from).after(30_000).probed();
      expect(rig.state).toBe("idle");
      expect(rig.context).toMatchObject({ bootOutcome: "success", readyAtMs: rig.nowMs });
      expect(rig.context.idleDeadlineAtMs).toBe(rig.nowMs + MINUTE_MS);
    },
  );

  it.each(["unknown", "booting"] as const)("make an %s worker run what is listed", (from) => {
    const rig = WorkerRig.in(from).probed({ containerIds: [C2, C1] });
    expect(rig.state).toBe("running");
    expect(rig.told).toEqual(["process.seen", "process.seen"]);
    expect(rig.context.lastContainerId).toBe(C1);
    expect(rig.context.idleDeadlineAtMs).toBeNull();
  });

  it("keep a worker unknown when only the run probe is fine, and take its listing", () => {
    const rig = WorkerRig.unknown().probed({
      booted: false,
      containerIds: [C1],
      bootError: "not yet",
    });
    expect([rig.state, rig.told]).toEqual(["unknown", ["process.seen"]]);
    expect(rig.context).toMatchObject({ bootOutcome: null, lastError: "not yet" });
    rig.probed({ booted: false });
    expect([rig.state, rig.told]).toEqual(["unknown", ["process.ended exited"]]);
  });

  it("do not make a booting worker idle when the boot probe is not fine", () => {
    const rig = WorkerRig.booting().probed({ booted: false, containerIds: [C1] });
    expect([rig.state, rig.told]).toEqual(["booting", []]);
  });

  it("show processes come and go on a worker in service", () => {
    const rig = WorkerRig.idle().probed({ containerIds: [C1] });
    expect([rig.state, rig.told]).toEqual(["running", ["process.seen"]]);
    rig.after(5_000).probed({ containerIds: [C2] });
    expect([rig.state, rig.told]).toEqual(["running", ["process.ended exited", "process.seen"]]);
    rig.after(5_000).probed();
    expect([rig.state, rig.told]).toEqual(["idle", ["process.ended exited"]]);
    expect(rig.context.busyAtMs).toBe(rig.nowMs);
  });

  it("change nothing at all when they tell what is known", () => {
    const rig = WorkerRig.running();
    const before = rig.snapshot;
    expect(rig.after(5_000).probed({ containerIds: [C1] }).snapshot).toBe(before);
  });

  it("are only a sign of life when the worker has changed since they began (specification §7.8)", () => {
    const rig = WorkerRig.idle();
    const basedOnSeq = rig.seq;
    rig.started(C1).startReturned("started");
    const before = rig.snapshot;
    expect(rig.probed({ basedOnSeq }).snapshot).toBe(before);
    expect(rig.probed().told).toEqual(["process.ended exited"]);
  });

  it("do not boot a worker by an answer from before the restart", () => {
    const rig = WorkerRig.booting();
    const basedOnSeq = rig.seq;
    expect(rig.restarted().probed({ basedOnSeq }).state).toBe("unknown");
    expect(rig.probed().state).toBe("idle");
  });
});

describe("a worker that does not answer", () => {
  it.each([
    ["unknown", 10 * MINUTE_MS, "failure"],
    ["booting", 10 * MINUTE_MS, "failure"],
    ["idle", 2 * MINUTE_MS, "success"],
    ["running", 2 * MINUTE_MS, "success"],
  ] as const)("is shut down when %s, after its time-out and not before", (from, ms, outcome) => {
    const changes = { timeoutBootingMs: 10 * MINUTE_MS, timeoutProbeMs: 2 * MINUTE_MS };
    const early = WorkerRig.in(from, changes)
      .after(ms)
      .probeFailed(ms - 1);
    expect([early.state, early.context.lastError]).toEqual([from, "no answer"]);
    const rig = WorkerRig.in(from, changes).after(ms).probeFailed(ms);
    expect([rig.state, rig.kinds]).toEqual(["shutdown", ["instance.destroy"]]);
    expect(rig.context.bootOutcome).toBe(outcome);
    const silent = `no good answer to a probe for ${formatSpan(ms)}`;
    const reason = from === "booting" ? `boot timed out (TimeoutBooting 10m): ${silent}` : silent;
    expect(rig.context.shutdownReason).toBe(reason);
  });

  it("is never given less than TimeoutProbe while it may be running something", () => {
    const changes = { timeoutBootingMs: MINUTE_MS, timeoutProbeMs: 10 * MINUTE_MS };
    const rig = WorkerRig.running([C1], changes).restarted();
    expect(rig.after(9 * MINUTE_MS).probeFailed(9 * MINUTE_MS).state).toBe("unknown");
    expect(rig.after(MINUTE_MS).probeFailed(10 * MINUTE_MS).state).toBe("shutdown");
  });

  it("is shut down even while starts go on changing it", () => {
    const rig = WorkerRig.idle();
    const basedOnSeq = rig.seq;
    rig.started(C1).startReturned("unknown");
    expect(rig.probeFailed(10 * MINUTE_MS, { basedOnSeq }).state).toBe("shutdown");
  });

  it.each(STATES)("is never shut down when %s and held", (from) => {
    const rig = WorkerRig.in(from)
      .asked("hold")
      .after(60 * MINUTE_MS);
    expect(rig.probeFailed(60 * MINUTE_MS).state).toBe(from);
    expect(rig.ticked().state).toBe(from);
  });
});

describe("deadlines", () => {
  it("end an idle worker after TimeoutIdle", () => {
    expect(
      WorkerRig.idle()
        .after(MINUTE_MS - 1)
        .ticked().state,
    ).toBe("idle");
    const rig = WorkerRig.idle().after(MINUTE_MS).ticked();
    expect([rig.state, rig.kinds]).toEqual(["shutdown", ["instance.destroy"]]);
    expect(rig.context.shutdownReason).toBe("idle for TimeoutIdle");
  });

  it("of idleness begin again with every process that ends", () => {
    const rig = WorkerRig.idle()
      .after(MINUTE_MS - 1)
      .started()
      .startReturned("started");
    rig.after(5 * MINUTE_MS).probed();
    expect(rig.state).toBe("idle");
    expect(rig.after(MINUTE_MS - 1).ticked().state).toBe("idle");
    expect(rig.after(1).ticked().state).toBe("shutdown");
  });

  it("end an unknown worker that lists nothing", () => {
    expect(
      WorkerRig.unknown()
        .after(10 * MINUTE_MS - 1)
        .ticked().state,
    ).toBe("unknown");
    const rig = WorkerRig.unknown()
      .after(10 * MINUTE_MS)
      .ticked();
    expect([rig.state, rig.context.bootOutcome]).toEqual(["shutdown", "aborted"]);
  });

  it("leave one that has not answered to the probes that fail: it may run something", () => {
    const rig = WorkerRig.unknown().after(10 * MINUTE_MS);
    expect(rig.ticked(null).state).toBe("unknown");
    expect(rig.probeFailed(10 * MINUTE_MS).state).toBe("shutdown");
    expect(rig.context.shutdownReason).toBe("no good answer to a probe for 10m");
  });

  it("never end an unknown worker that lists a container, however old it is (specification §16.4)", () => {
    const rig = WorkerRig.unknown().probed({ booted: false, containerIds: [C1] });
    expect(rig.after(24 * 60 * MINUTE_MS).ticked().state).toBe("unknown");
    expect(rig.probed({ booted: false }).ticked().state).toBe("shutdown");
  });
});

describe("the end of an instance", () => {
  it.each(["booting", "idle"] as const)("may be decided by the planner when %s", (from) => {
    const rig = WorkerRig.in(from).send({ type: "shutdown.decided", reason: "at quota" });
    expect([rig.state, rig.kinds]).toEqual(["shutdown", ["instance.destroy"]]);
    expect(rig.context.shutdownReason).toBe("at quota");
  });

  it.each(["creating", "unknown", "running", "shutdown"] as const)(
    "is not the planner's to decide when %s",
    (from) => {
      const rig = WorkerRig.in(from);
      const before = rig.snapshot;
      rig.send({ type: "shutdown.decided", reason: "at quota" });
      expect([rig.snapshot === before, rig.kinds]).toEqual([true, []]);
    },
  );

  it.each(["booting", "idle"] as const)("is not the planner's to decide when %s and held", (s) => {
    const rig = WorkerRig.in(s).asked("hold");
    expect(rig.send({ type: "shutdown.decided", reason: "at quota" }).state).toBe(s);
  });

  it.each(STATES)("comes at once when an operator asks, %s and held or not", (from) => {
    for (const rig of [WorkerRig.in(from), WorkerRig.in(from).asked("hold")]) {
      rig.killed();
      expect([rig.state, rig.kinds]).toEqual(["shutdown", ["instance.destroy"]]);
      expect(rig.context.shutdownReason).toBe("an operator asked: must go");
    }
  });

  it("is asked for again as long as the instance is listed after TimeoutShutdown", () => {
    const rig = WorkerRig.idle().killed();
    const firstAtMs = rig.nowMs;
    expect(rig.after(10_000).seen().kinds).toEqual([]);
    expect(rig.after(1).seen().kinds).toEqual(["instance.destroy"]);
    expect(rig.after(10_000).seen().kinds).toEqual([]);
    expect(rig.after(1).seen().kinds).toEqual(["instance.destroy"]);
    // Time to gone is measured from the first attempt (specification §16.5).
    expect(rig.context.destroyedAtMs).toBe(firstAtMs);
  });

  it("is asked for again after a restart, and when an operator asks again", () => {
    const rig = WorkerRig.idle().killed();
    expect(rig.restarted().kinds).toEqual(["instance.destroy"]);
    expect([rig.state, rig.killed().kinds]).toEqual(["shutdown", ["instance.destroy"]]);
  });

  it.each([...STATES, "shutdown"] as const)(
    "is noticed when %s and missing from two lists in a row",
    (from) => {
      const rig = WorkerRig.in(from).after(1_000).missing();
      expect(rig.state).toBe(from);
      expect(rig.missing().state).toBe(from);
      rig.after(1_000).missing();
      expect([rig.state, rig.kinds]).toEqual(["gone", []]);
      const abandoned = from === "running" ? ["process.ended abandoned"] : [];
      expect(rig.told).toEqual(abandoned);
    },
  );

  it("is not believed when it was listed, or answered, in between", () => {
    const listed = WorkerRig.idle().after(1_000).missing().after(1_000).seen();
    expect(listed.after(1_000).missing().state).toBe("idle");
    const answering = WorkerRig.idle().after(1_000).missing().after(1_000);
    const goodAtMs = answering.nowMs;
    expect(answering.after(1_000).missing({ goodAtMs }).state).toBe("idle");
    expect(answering.after(1_000).missing({ goodAtMs }).state).toBe("gone");
  });

  it("is not told by a list that began before the instance appeared", () => {
    const rig = WorkerRig.creating();
    const basedOnSeq = rig.seq;
    rig.created();
    const before = rig.snapshot;
    rig.after(1_000).missing({ basedOnSeq }).after(1_000).missing({ basedOnSeq });
    expect(rig.snapshot).toBe(before);
  });

  it("keeps the outcome of the boot that was known before", () => {
    const gone = (rig: WorkerRig): unknown =>
      rig.after(1).missing().after(1).missing().context.bootOutcome;
    expect(gone(WorkerRig.booting())).toBe("disappeared");
    expect(gone(WorkerRig.idle())).toBe("success");
    expect(WorkerRig.booting().killed().context.bootOutcome).toBe("aborted");
  });
});

describe("a restart", () => {
  it.each(STATES)("makes a worker that is %s unknown, with fresh deadlines", (from) => {
    const rig = WorkerRig.in(from)
      .after(1_000)
      .missing()
      .after(59 * MINUTE_MS)
      .restarted();
    expect([rig.state, rig.kinds]).toEqual(["unknown", []]);
    expect(rig.context.unknownDeadlineAtMs).toBe(rig.nowMs + 10 * MINUTE_MS);
    expect(rig.context.missingSinceMs).toBeNull();
    expect(rig.after(10 * MINUTE_MS - 1).ticked().state).toBe("unknown");
  });

  it("trusts the journal's processes until a probe tells otherwise", () => {
    const rig = WorkerRig.running().restarted();
    expect(rig.context.processes[C1]).toMatchObject({ state: "running", settleAtMs: null });
    expect(rig.probed().told).toEqual(["process.ended exited"]);
  });

  it.each(["hold", "drain"] as const)("keeps %s", (behavior) => {
    const rig = WorkerRig.running().asked(behavior).restarted();
    expect([rig.state, rig.behavior]).toEqual(["unknown", behavior]);
  });

  it("drains a worker whose type has left the configuration, unless it is held", () => {
    const without = (rig: WorkerRig): WorkerRig => {
      Object.assign(rig, { settings: { ...rig.settings, instanceTypes: {} } });
      return rig.restarted();
    };
    const rig = without(WorkerRig.idle());
    expect([rig.state, rig.behavior, rig.kinds]).toEqual([
      "unknown",
      "drain",
      ["instance.setTags"],
    ]);
    rig.probed();
    expect(rig.context.shutdownReason).toBe("drained: its instance type is not configured");
    expect(without(WorkerRig.idle().asked("hold")).behavior).toBe("hold");
  });
});

describe("an instance's address and connection", () => {
  it("follow the list", () => {
    const rig = WorkerRig.idle().seen({ address: "10.9.9.9" });
    expect([rig.context.address, rig.state, rig.kinds]).toEqual(["10.9.9.9", "idle", []]);
    const before = rig.snapshot;
    expect(rig.seen().snapshot).toBe(before);
  });

  it("are remembered from the first connection", () => {
    const rig = WorkerRig.booting().after(10).send({ type: "ssh.connected" });
    const atMs = rig.nowMs;
    expect(rig.after(10).send({ type: "ssh.connected" }).context.sshConnectedAtMs).toBe(atMs);
  });
});
