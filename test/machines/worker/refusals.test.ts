import { describe, expect, it } from "vitest";
import { Registry } from "../../../src/machines/core/registry.ts";
import type { Failure } from "../../../src/machines/model/fact.ts";
import { store } from "../../../src/machines/step.ts";
import { NO_REFUSALS } from "../../../src/machines/worker/worker.refusals.ts";
import { WorkerRig } from "../../support/worker-rig.ts";

const FAILURE: Failure = { code: "refused", message: "i-1 is protected" };
const refused = (rig: WorkerRig, failure = FAILURE): WorkerRig =>
  rig.send({ type: "destroy.failed", commandId: `j1-${rig.context.updatedSeq}-1`, failure });
const accepted = (rig: WorkerRig, sentSeq = rig.context.updatedSeq): WorkerRig =>
  rig.send({ type: "destroy.accepted", commandId: `j1-${sentSeq}-1` });

describe("a destroy that the cloud refuses", () => {
  it("is counted, with since when, what was said and when the next try is", () => {
    const rig = WorkerRig.in("shutdown");
    const sinceMs = rig.nowMs + 500;
    refused(rig.after(500));
    for (let n = 0; n < 3; n++) refused(rig.after(60_000).seen().after(500));
    const { destroyRefused, destroysCount, destroyNextAtMs, destroySentAtMs } = rig.context;
    expect(destroyRefused).toEqual({
      count: 4,
      sinceMs,
      lastAtMs: rig.nowMs,
      error: "i-1 is protected",
    });
    expect([destroysCount, destroyNextAtMs]).toEqual([4, (destroySentAtMs ?? 0) + 10_000]);
  });

  it("is tried again by a list after TimeoutShutdown, not sooner, and not for each refusal", () => {
    const rig = refused(WorkerRig.in("shutdown"));
    expect(rig.kinds).toEqual([]);
    expect(rig.after(10_000).seen().kinds).toEqual([]);
    expect(rig.after(1).seen().kinds).toEqual(["instance.destroy"]);
    expect(rig.seen().kinds).toEqual([]);
  });

  it("is not tried again while the cloud asks for peace, an hour at most", () => {
    const rig = WorkerRig.in("shutdown");
    const retryAtMs = rig.nowMs + 50_000;
    refused(rig, { code: "rateLimited", message: "429", retryAtMs });
    expect(rig.after(50_000).seen().kinds).toEqual([]);
    expect(rig.after(1).seen().kinds).toEqual(["instance.destroy"]);
    refused(rig, { code: "rateLimited", message: "429", retryAtMs: 1e15 });
    expect(rig.after(3_600_001).seen().kinds).toEqual(["instance.destroy"]);
  });

  it("is over when the cloud takes one, whatever an older one comes to", () => {
    const rig = refused(refused(WorkerRig.in("shutdown")));
    const oldSeq = rig.context.updatedSeq;
    accepted(rig.after(20_000).seen());
    expect(rig.context.destroyRefused).toBeNull();
    expect(rig.context.destroyAccepted).toEqual({ atMs: rig.nowMs, seq: rig.context.updatedSeq });
    const before = rig.snapshot;
    rig.send({ type: "destroy.failed", commandId: `j1-${oldSeq}-1`, failure: FAILURE });
    accepted(rig, oldSeq);
    expect(rig.snapshot).toBe(before);
    expect(refused(rig.after(20_000).seen()).context.destroyRefused?.count).toBe(1);
  });

  it("is not forgotten by a restart, which asks again at once", () => {
    const rig = refused(refused(WorkerRig.in("shutdown")))
      .after(1_000)
      .restarted();
    expect([rig.state, rig.kinds]).toEqual(["shutdown", ["instance.destroy"]]);
    expect(rig.context.destroyRefused?.count).toBe(2);
    expect([rig.context.destroysCount, rig.context.destroyNextAtMs]).toEqual([
      2,
      rig.nowMs + 10_000,
    ]);
  });
});

describe("tags that the cloud refuses", () => {
  it("are counted until they are saved, and nothing changes by what is saved at once", () => {
    const rig = WorkerRig.running().asked("hold");
    const commandId = "j1-2-1";
    const before = rig.snapshot;
    expect(rig.send({ type: "tags.saved", commandId }).snapshot).toBe(before);
    rig.send({ type: "tags.failed", commandId, failure: FAILURE });
    rig.after(60_000).send({ type: "tags.failed", commandId, failure: FAILURE });
    expect(rig.context.tagsRefused).toMatchObject({ count: 2, error: "i-1 is protected" });
    expect(rig.send({ type: "tags.saved", commandId }).context.tagsRefused).toBeNull();
  });
});

it("a state that an earlier version stored gets what it lacks", () => {
  const registry = new Registry();
  registry.set("worker", "w", WorkerRig.in("shutdown").snapshot);
  const stored = registry.store();
  const [[id, snapshot] = ["", store(WorkerRig.idle().snapshot)]] = stored.worker;
  const context = { ...(snapshot.context as object) };
  for (const name of Object.keys(NO_REFUSALS)) Reflect.deleteProperty(context, name);
  const old = Registry.restore({ ...stored, worker: [[id, { ...snapshot, context }]] });
  expect(old.get("worker", "w")?.context).toMatchObject(NO_REFUSALS);
  expect(JSON.stringify(Registry.restore(stored).store())).toBe(JSON.stringify(stored));
});
