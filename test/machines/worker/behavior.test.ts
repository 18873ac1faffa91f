import { describe, expect, it } from "vitest";
import { containerId } from "../../support/containers.ts";
import { C1, C2, WorkerRig } from "../../support/worker-rig.ts";

const C3 = "zzzzz-dz642-zzzzzzzzzzzzzzz";

describe("draining", () => {
  it.each(["booting", "idle"] as const)("shuts a worker down at once when %s", (from) => {
    const rig = WorkerRig.in(from).asked("drain");
    expect([rig.state, rig.behavior]).toEqual(["shutdown", "drain"]);
    expect(rig.kinds.sort()).toEqual(["instance.destroy", "instance.setTags"]);
    expect(rig.context.shutdownReason).toContain("an operator asked: maintenance");
  });

  it("waits for the processes of a running worker", () => {
    const rig = WorkerRig.running([C1, C2]).asked("drain");
    expect([rig.state, rig.kinds]).toEqual(["running", ["instance.setTags"]]);
    expect(rig.probed({ containerIds: [C2] }).state).toBe("running");
    rig.probed();
    expect([rig.state, rig.kinds]).toEqual(["shutdown", ["instance.destroy"]]);
  });

  it("does not hurry an unknown worker", () => {
    const rig = WorkerRig.unknown().asked("drain");
    expect([rig.state, rig.kinds]).toEqual(["unknown", ["instance.setTags"]]);
    expect(rig.probed().state).toBe("shutdown");
  });

  it("can be taken back, and is then no reason for a later end", () => {
    const rig = WorkerRig.running().probed({ containerIds: [C1], broken: true });
    expect([rig.behavior, rig.context.shutdownReason]).toEqual(["drain", ""]);
    rig.asked("run").probed();
    expect([rig.state, rig.behavior]).toEqual(["idle", "run"]);
    rig.after(60_000).ticked();
    expect(rig.context.shutdownReason).toBe("idle for TimeoutIdle");
  });
});

describe("a broken worker", () => {
  it.each(["booting", "idle"] as const)("is shut down when it is %s", (from) => {
    const rig = WorkerRig.in(from).probed({ broken: true });
    expect([rig.state, rig.behavior]).toEqual(["shutdown", "drain"]);
    expect(rig.context.shutdownReason).toContain("the worker reported itself broken");
  });

  it("has failed to boot when it never booted", () => {
    expect(WorkerRig.booting().probed({ broken: true }).context.bootOutcome).toBe("failure");
    expect(WorkerRig.idle().probed({ broken: true }).context.bootOutcome).toBe("success");
    const rig = WorkerRig.booting().probeFailed(0, { broken: true });
    expect([rig.state, rig.context.bootOutcome]).toEqual(["shutdown", "failure"]);
  });

  it("may finish what it runs", () => {
    const rig = WorkerRig.running().probed({ containerIds: [C1], broken: true });
    expect([rig.state, rig.behavior, rig.kinds]).toEqual([
      "running",
      "drain",
      ["instance.setTags"],
    ]);
    expect(rig.probed({ broken: true }).state).toBe("shutdown");
  });

  it("stays what it is while it is held", () => {
    const rig = WorkerRig.idle().asked("hold").probed({ broken: true });
    expect([rig.state, rig.behavior]).toEqual(["idle", "hold"]);
    expect(rig.asked("run").probed({ broken: true }).state).toBe("shutdown");
  });

  it("is one whose run lock stays stale for longer than TimeoutStaleRunLock", () => {
    const rig = WorkerRig.idle().probed({ stale: true });
    expect([rig.state, rig.context.staleSinceMs]).toEqual(["idle", rig.nowMs]);
    expect(rig.after(5_000).probed({ stale: true }).state).toBe("idle");
    expect(rig.after(1).probed({ stale: true }).state).toBe("shutdown");
  });

  it("is one that names more processes than it may have, and may finish what it runs", () => {
    const rig = WorkerRig.running().probed({ containerIds: [C1], reportedCount: 65 });
    expect([rig.state, rig.behavior]).toEqual(["running", "drain"]);
    expect(Object.keys(rig.context.processes)).toEqual([C1]);
    const reason = "the worker is broken: it named 65 processes, and may have 64";
    expect(rig.context.behaviorReason).toBe(reason);
    expect(rig.probed({ reportedCount: 65 }).state).toBe("shutdown");
    expect(rig.context.shutdownReason).toBe(`drained: ${reason}`);
  });

  it("is not one that names as many as it may have", () => {
    const ids = Array.from({ length: 64 }, (_, n) => containerId(n));
    expect(WorkerRig.idle().probed({ containerIds: ids }).behavior).toBe("run");
    expect(WorkerRig.idle().probed({ containerIds: [...ids, C3] }).behavior).toBe("drain");
  });

  it("is one whose list could not be read for its length", () => {
    const rig = WorkerRig.running().probeFailed(0, { reportedCount: 37_000 });
    expect([rig.state, rig.behavior]).toEqual(["running", "drain"]);
    expect(rig.context.behaviorReason).toContain("it named 37000 processes");
  });

  it("is not one whose stale lock went away in between", () => {
    const rig = WorkerRig.idle().probed({ stale: true }).after(4_000).probed();
    expect(rig.context.staleSinceMs).toBeNull();
    expect(rig.after(4_000).probed({ stale: true }).state).toBe("idle");
    expect(rig.after(4_000).probed({ stale: true }).state).toBe("idle");
  });
});

describe("the tags of an instance", () => {
  it.each(["hold", "drain"] as const)("are saved when %s is asked for", (behavior) => {
    const rig = WorkerRig.running().asked(behavior);
    expect(rig.commands).toEqual([
      {
        kind: "instance.setTags",
        workerId: "j1-1-1",
        instanceId: "i-1",
        instanceType: "type1",
        idleBehavior: behavior,
      },
    ]);
    const before = rig.snapshot;
    expect([rig.asked(behavior).snapshot === before, rig.kinds]).toEqual([true, []]);
  });

  it.each(["run", "hold", "drain"] as const)("are written anew when a list tells others", (own) => {
    const rig = WorkerRig.running();
    if (own !== "run") rig.asked(own);
    expect(rig.seen().kinds).toEqual([]);
    const other = own === "run" ? "drain" : "run";
    expect(rig.seen({ idleBehavior: other }).commands).toEqual([
      expect.objectContaining({ kind: "instance.setTags", idleBehavior: own }),
    ]);
    expect(rig.behavior).toBe(own);
    expect(rig.seen({ idleBehavior: "" }).kinds).toEqual(["instance.setTags"]);
  });

  it("are left alone on the way out", () => {
    expect(WorkerRig.idle().killed().seen({ idleBehavior: "hold" }).kinds).toEqual([]);
  });
});
