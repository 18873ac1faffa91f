import { describe, expect, it } from "vitest";
import { ONLY } from "../../../src/machines/model/ids.ts";
import { containerId } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { settings } from "../../support/settings.ts";

const MINUTE_MS = 60_000;

function started(changes = {}): CoreBuilder {
  const builder = new CoreBuilder(changes);
  builder.feed({ type: "daemon.started", version: "test", journalId: "j1" });
  builder.feed({ type: "lease.acquired" });
  return builder;
}

/** When nothing that an earlier run sent can turn up any more. */
function recovering(changes = {}): CoreBuilder {
  const builder = started(changes);
  builder.nowMs += settings(changes).timeoutStartMs;
  return builder;
}

function listed(builder: CoreBuilder, basedOnSeq = builder.core.seq): CoreBuilder {
  const list = { listStartedAtMs: builder.nowMs, instancesCount: 1 };
  builder.feed({ type: "instances.listed", basedOnSeq, ...list });
  return builder;
}

function polled(builder: CoreBuilder, basedOnSeq = builder.core.seq): CoreBuilder {
  builder.feed({ type: "queue.polled", basedOnSeq, startedAtMs: builder.nowMs });
  return builder;
}

/** An instance of our set that nobody has probed yet. */
function found(builder: CoreBuilder, instanceId = "i-1"): CoreBuilder {
  builder.feed({
    type: "instance.seen",
    basedOnSeq: builder.core.seq,
    instanceId,
    createdBy: null,
    address: "",
    instanceType: "type1",
    providerType: "providertype1",
    idleBehavior: "run",
  });
  return builder;
}

function ticked(builder: CoreBuilder): void {
  const supervisor = { actorKind: "supervisor", actorId: ONLY } as const;
  builder.feed({ type: "clock.ticked", ...supervisor, lastGoodProbeAtMs: null });
}

const state = (builder: CoreBuilder): unknown =>
  builder.core.registry.get("supervisor", ONLY)?.value;
const decided = (builder: CoreBuilder): string[] =>
  builder.plan().record?.decisions.map((decision) => decision.do) ?? [];

describe("recovery (specification §6.3)", () => {
  it("waits for the lease, and decides nothing before", () => {
    const builder = new CoreBuilder();
    builder.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    builder.container(containerId(1));
    expect([state(builder), decided(polled(listed(builder)))]).toEqual(["standby", []]);
  });

  it("waits for a complete list and a complete poll, both begun after the start", () => {
    const builder = new CoreBuilder();
    const before = builder.core.seq;
    builder.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    builder.feed({ type: "lease.acquired" });
    polled(listed(builder, before), before);
    expect([decided(builder), state(builder)]).toEqual([[], "recovering"]);
    polled(builder);
    expect([decided(builder), state(builder)]).toEqual([[], "recovering"]);
    listed(builder);
    expect([decided(builder), state(builder)]).toEqual([["finishRecovery"], "dispatching"]);
  });

  it("goes on at once when nothing is stale, and unlocks nothing", () => {
    const builder = polled(listed(found(recovering())));
    expect([decided(builder), state(builder)]).toEqual([["finishRecovery"], "dispatching"]);
  });

  it("schedules locked containers at once when every worker is known", () => {
    const builder = polled(listed(recovering().container(containerId(1), { state: "Locked" })));
    expect(decided(builder)).toEqual(["finishRecovery"]);
    expect(decided(builder)).toEqual(["create", "wait"]);
  });

  it("waits for unknown workers while a lock may be stale, then unlocks what none runs", () => {
    const builder = polled(listed(found(found(recovering(), "i-1"), "i-2")));
    const [stale = "", alive = ""] = [containerId(1), containerId(2)];
    builder.container(stale, { state: "Locked" }).container(alive, { state: "Locked" });
    expect(decided(builder)).toEqual(["delayRecovery"]);
    builder.instance("i-1", "type1");
    expect([decided(builder), state(builder)]).toEqual([[], "recovering"]);
    // The very last probe finds the process: its lock stays (mends specification §16.1).
    builder.instance("i-2", "type1", [alive]);
    const { record } = builder.plan();
    expect(record?.decisions).toEqual([
      { do: "finishRecovery", reason: "every worker has answered" },
      expect.objectContaining({ do: "unlock", container: stale }),
    ]);
    expect(record?.commands).toEqual([
      expect.objectContaining({ kind: "container.unlock", containerId: stale }),
    ]);
  });

  it("waits no longer than StaleLockTimeout", () => {
    const builder = polled(listed(found(recovering())));
    builder.container(containerId(1), { state: "Locked" });
    expect(decided(builder)).toEqual(["delayRecovery"]);
    builder.nowMs += MINUTE_MS - 1;
    ticked(builder);
    expect(decided(builder)).toEqual([]);
    builder.nowMs += 1;
    ticked(builder);
    expect(decided(builder)).toEqual(["finishRecovery", "unlock"]);
    expect(state(builder)).toBe("dispatching");
  });

  it("takes no answer for the last word while a start of an earlier run may turn up, and none of its locks for stale", () => {
    const builder = polled(listed(started().instance("i-1", "type1")));
    builder.container(containerId(1), { state: "Locked" });
    const lifecycle = (): unknown => builder.core.registry.get("worker", "i-1")?.value.lifecycle;
    expect([lifecycle(), ...decided(builder)]).toEqual(["unknown", "delayRecovery"]);
    builder.nowMs += MINUTE_MS;
    ticked(builder);
    expect(decided(builder)).toEqual([]);
    // It has turned up.
    builder.instance("i-1", "type1", [containerId(1)]);
    expect([lifecycle(), ...decided(builder)]).toEqual(["running", "finishRecovery"]);
  });

  it("waits for such an answer no longer than StaleLockTimeout", () => {
    const builder = polled(listed(started().instance("i-1", "type1")));
    builder.container(containerId(1), { state: "Locked" });
    expect(decided(builder)).toEqual(["delayRecovery"]);
    builder.nowMs += settings().timeoutStartMs + MINUTE_MS;
    ticked(builder);
    expect(decided(builder)).toEqual(["finishRecovery", "unlock"]);
  });

  it("waits for it as long when it begins again meanwhile", () => {
    const builder = listed(started().instance("i-1", "type1"));
    const untilMs = (): unknown =>
      builder.core.registry.get("worker", "i-1")?.context.startsUntilMs;
    const endMs = builder.nowMs + settings().timeoutStartMs;
    builder.nowMs += settings().timeoutStartMs / 3;
    builder.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    builder.feed({ type: "lease.acquired" });
    expect(untilMs()).toBe(endMs);
    polled(listed(builder.instance("i-1", "type1")));
    builder.container(containerId(1), { state: "Locked" });
    expect(decided(builder)).toEqual(["delayRecovery"]);
    builder.nowMs += MINUTE_MS;
    ticked(builder);
    expect(decided(builder)).toEqual([]);
    builder.instance("i-1", "type1", [containerId(1)]);
    expect(decided(builder)).toEqual(["finishRecovery"]);
    builder.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    expect(untilMs()).toBe(null);
  });

  it("waits no longer for a worker that its journal tells all of", () => {
    const builder = polled(listed(found(recovering())));
    builder.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    builder.feed({ type: "lease.acquired" });
    polled(listed(builder.container(containerId(1), { state: "Locked" })));
    expect(decided(builder)).toEqual(["delayRecovery"]);
    builder.nowMs += MINUTE_MS;
    ticked(builder);
    expect(decided(builder)).toEqual(["finishRecovery", "unlock"]);
  });

  it("doubts every worker whose journal goes on under another id: records of it were lost", () => {
    const builder = polled(listed(recovering().instance("i-1", "type1")));
    const untilMs = (): unknown =>
      builder.core.registry.get("worker", "i-1")?.context.startsUntilMs;
    builder.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    expect(untilMs()).toBe(null);
    builder.feed({ type: "daemon.started", version: "test", journalId: "j2" });
    expect(untilMs()).toBe(builder.nowMs + settings().timeoutStartMs);
    builder.instance("i-1", "type1");
    expect(builder.core.registry.get("worker", "i-1")?.value.lifecycle).toBe("unknown");
    builder.nowMs += settings().timeoutStartMs;
    builder.instance("i-1", "type1");
    expect(builder.core.registry.get("worker", "i-1")?.value.lifecycle).toBe("idle");
  });

  it("begins anew with every start of the daemon", () => {
    const builder = polled(listed(recovering()));
    builder.plan();
    builder.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    expect(state(builder)).toBe("standby");
    builder.feed({ type: "lease.acquired" });
    expect([decided(builder), state(builder)]).toEqual([[], "recovering"]);
  });
});

it("cancels nothing that is locked and can run nowhere before every worker has said what it runs", () => {
  const builder = found(polled(listed(recovering())));
  builder.container(containerId(1), { state: "Locked", vcpus: 99 });
  const { context } = builder.core.registry.get("container", containerId(1)) ?? {};
  expect(context?.unfit).not.toBe("");
  const cancels = (): number =>
    [...builder.journaled].flatMap(({ decisions }) => decisions).filter((d) => d.do === "cancel")
      .length;
  builder.plan();
  builder.plan();
  expect([state(builder), cancels()]).toEqual(["dispatching", 0]);
  builder.instance("i-1", "type1", []);
  builder.plan();
  expect(cancels()).toBe(1);
});

describe("stopping with a drain", () => {
  it("drains every worker, gives locks back and starts nothing more", () => {
    const builder = polled(listed(recovering()));
    builder.plan();
    builder.instance("i-1", "type1").instance("i-2", "type1", [containerId(9)]);
    builder.container(containerId(1), { state: "Locked" }).container(containerId(2));
    builder.container(containerId(9), { state: "Running" });
    builder.feed({ type: "stop.requested", drain: true, reason: "upgrade" });
    const lifecycle = (id: string): unknown => builder.core.registry.get("worker", id)?.value;
    expect(lifecycle("i-1")).toEqual({ lifecycle: "shutdown", idleBehavior: "drain" });
    expect(lifecycle("i-2")).toEqual({ lifecycle: "running", idleBehavior: "drain" });
    expect(builder.plan().record?.decisions).toEqual([
      { do: "requeue", container: containerId(1), reason: "the dispatcher is draining" },
    ]);
    expect(decided(builder)).toEqual([]);
  });

  it("gives no lock back before every worker has said what it runs", () => {
    const builder = found(polled(listed(recovering())));
    builder.container(containerId(1), { state: "Locked" });
    builder.feed({ type: "stop.requested", drain: true, reason: "upgrade" });
    expect(decided(builder)).toEqual([]);
    builder.instance("i-1", "type1", []);
    expect(decided(builder)).toEqual(["requeue"]);
  });

  it("changes nothing without a drain: workers and containers are left alone", () => {
    const builder = polled(listed(recovering())).instance("i-1", "type1");
    const before = builder.core.store();
    builder.feed({ type: "stop.requested", drain: false, reason: "upgrade" });
    expect(builder.core.store()).toBe(before);
  });
});
