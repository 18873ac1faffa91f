import { describe, expect, it } from "vitest";
import { dueAtMs } from "../../../src/machines/core/due.ts";
import type { Settings } from "../../../src/machines/model/settings.ts";
import { C1, C2, WorkerRig } from "../../support/worker-rig.ts";

/** Ticks whenever the worker wants it, up to `untilMs` from now; when signals were sent, in seconds. */
function runSchedule(rig: WorkerRig, untilMs: number): number[] {
  const fromMs = rig.nowMs;
  const sentAtS: number[] = [];
  const note = (): void => {
    if (rig.kinds.includes("process.kill")) sentAtS.push((rig.nowMs - fromMs) / 1000);
  };
  rig.killDecided();
  note();
  for (;;) {
    const nextAtMs = dueAtMs("worker", rig.snapshot);
    if (nextAtMs === null || nextAtMs > fromMs + untilMs) return sentAtS;
    rig.nowMs = nextAtMs;
    rig.ticked();
    note();
  }
}

describe("starting a process", () => {
  it("is asked of an idle worker once, and makes it running", () => {
    const rig = WorkerRig.idle().started();
    expect([rig.state, rig.told]).toEqual(["running", ["process.starting"]]);
    const on = { workerId: "j1-1-1", instanceId: "i-1" };
    expect(rig.commands).toEqual([{ kind: "process.start", ...on, containerId: C1 }]);
    const before = rig.snapshot;
    rig.started();
    expect([rig.snapshot === before, rig.kinds]).toEqual([true, []]);
    expect(rig.started(C2).kinds).toEqual(["process.start"]);
  });

  it.each(["creating", "unknown", "booting", "shutdown"] as const)(
    "is refused by a worker that is %s",
    (from) => {
      const rig = WorkerRig.in(from);
      const before = rig.snapshot;
      rig.started();
      expect([rig.snapshot === before, rig.kinds, rig.told]).toEqual([true, [], []]);
    },
  );

  it.each(["idle", "running"] as const)("is refused by a worker that is %s and held", (from) => {
    const rig = WorkerRig.in(from).asked("hold").started(C2);
    expect([rig.state, rig.kinds]).toEqual([from, []]);
  });

  it("is refused by a worker that drains", () => {
    expect(WorkerRig.running().asked("drain").started(C2).kinds).toEqual([]);
  });

  it.each(["started", "failed"] as const)("that %s is judged by the next probe", (outcome) => {
    const rig = WorkerRig.idle().started();
    // Until the call has returned, a probe that does not list it says nothing.
    expect(rig.probed().told).toEqual([]);
    rig.startReturned(outcome);
    expect(rig.told).toEqual(outcome === "started" ? ["process.seen"] : []);
    expect(rig.state).toBe("running");
    rig.probed();
    expect([rig.state, rig.told]).toEqual(["idle", ["process.ended exited"]]);
  });

  it("that a probe shows before the call returns counts once", () => {
    const rig = WorkerRig.idle()
      .started()
      .probed({ containerIds: [C1] });
    expect(rig.told).toEqual(["process.seen"]);
    const before = rig.snapshot;
    expect(rig.startReturned("started").snapshot).toBe(before);
  });

  it("of unknown outcome may turn up until TimeoutStart is over, and no longer", () => {
    const rig = WorkerRig.idle().started().after(1_000).startReturned("unknown");
    expect(rig.after(15_000).probed().told).toEqual([]);
    expect(rig.after(1).probed().told).toEqual(["process.ended exited"]);
    const late = WorkerRig.idle().started().startReturned("unknown").after(15_001);
    expect(late.probed({ containerIds: [C1] }).told).toEqual(["process.seen"]);
  });

  it("that was in flight at a crash is of unknown outcome, and not asked for again", () => {
    const rig = WorkerRig.idle().started().after(60_000).restarted();
    expect(rig.kinds).toEqual([]);
    expect(rig.after(15_000).probed().state).toBe("running");
    expect(rig.after(1).probed().state).toBe("idle");
  });
});

describe("the SIGTERM schedule (specification §7.9)", () => {
  it("sends a signal at once and then every TimeoutSignal until TimeoutTERM, then gives up", () => {
    const rig = WorkerRig.running();
    const wantedS = Array.from({ length: 24 }, (_, index) => index * 5);
    expect(runSchedule(rig, 3_600_000)).toEqual(wantedS);
    expect([rig.behavior, rig.state]).toEqual(["drain", "shutdown"]);
    expect(rig.context.shutdownReason).toBe("drained, and no process obeys SIGTERM");
    expect(rig.told).toEqual(["process.unkillable"]);
    expect(rig.kinds).toContain("instance.setTags");
    expect(rig.kinds).toContain("instance.destroy");
  });

  it("tells once that it has begun, and is not begun twice", () => {
    const rig = WorkerRig.running().killDecided();
    expect([rig.kinds, rig.told]).toEqual([["process.kill"], ["process.killing"]]);
    const before = rig.snapshot;
    rig.killDecided();
    expect([rig.snapshot === before, rig.kinds, rig.told]).toEqual([true, [], []]);
  });

  it("ends with a kill that finds the process gone", () => {
    const rig = WorkerRig.running().killDecided().killReturned(false);
    expect([rig.state, rig.told]).toEqual(["running", []]);
    rig.killReturned(true);
    expect([rig.state, rig.told]).toEqual(["idle", ["process.ended exited"]]);
    expect(dueAtMs("worker", rig.snapshot)).toBe(rig.nowMs + 60_000);
  });

  it("ends with a probe that does not list the process", () => {
    const rig = WorkerRig.running().killDecided().probed();
    expect([rig.state, rig.told]).toEqual(["idle", ["process.ended exited"]]);
    expect(rig.killReturned(true).told).toEqual([]);
  });

  it("leaves the other processes of the worker alone", () => {
    const rig = WorkerRig.running([C1, C2]);
    runSchedule(rig, 3_600_000);
    expect([rig.state, rig.behavior]).toEqual(["running", "drain"]);
    rig.probed({ containerIds: [C1] });
    expect([rig.state, rig.kinds]).toEqual(["shutdown", ["instance.destroy"]]);
  });

  it("lets the last obeying process end a worker that drains", () => {
    const rig = WorkerRig.running([C1, C2]);
    runSchedule(rig, 3_600_000);
    rig.killDecided(C2).killReturned(true, { containerId: C2 });
    expect(rig.state).toBe("shutdown");
  });

  it("gives up without a consequence on a worker that is held", () => {
    const rig = WorkerRig.running().asked("hold");
    expect(runSchedule(rig, 3_600_000)).toHaveLength(24);
    expect([rig.state, rig.behavior]).toEqual(["running", "hold"]);
    expect(rig.told).toEqual(["process.unkillable"]);
    expect(rig.asked("drain").state).toBe("shutdown");
  });

  it("also ends an unknown worker whose process cannot be killed", () => {
    const rig = WorkerRig.unknown().probed({ booted: false, containerIds: [C1] });
    runSchedule(rig, 3_600_000);
    expect([rig.behavior, rig.state]).toEqual(["drain", "shutdown"]);
  });

  it("begins again after a restart: nobody counted the signals meanwhile", () => {
    const rig = WorkerRig.running().killDecided().after(3_600_000).restarted();
    expect(dueAtMs("worker", rig.snapshot)).toBe(rig.nowMs);
    rig.ticked();
    expect([rig.state, rig.behavior, rig.kinds]).toEqual(["unknown", "run", ["process.kill"]]);
    expect(rig.probed().told).toEqual(["process.ended exited"]);
  });

  it("comes to its end even without a pause between signals", () => {
    const changes: Partial<Settings> = { timeoutSignalMs: 0, timeoutTermMs: 3 };
    expect(runSchedule(WorkerRig.running([C1], changes), 1_000)).toEqual([0, 0.001, 0.002]);
  });

  it("does not take a start for killed by a signal from before it ran", () => {
    const rig = WorkerRig.idle().started().killDecided();
    const sentSeq = rig.seq;
    // Never existed when the signal came: it may yet.
    expect(rig.killReturned(true, { sentSeq }).told).toEqual([]);
    rig.startReturned("started");
    expect(rig.killReturned(true, { sentSeq }).told).toEqual([]);
    expect(rig.state).toBe("running");
    rig.after(5_000).ticked();
    expect(rig.kinds).toEqual(["process.kill"]);
    expect(rig.killReturned(true).told).toEqual(["process.ended exited"]);
  });
});
