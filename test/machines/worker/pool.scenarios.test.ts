import { expect } from "vitest";
import { initCommand } from "../../../src/actors/instance-tags.ts";
import { dueAtMs } from "../../../src/machines/core/due.ts";
import { EVERYTHING } from "../../../src/machines/core/route.ts";
import { planView } from "../../../src/machines/core/view.ts";
import { quotaMachine } from "../../../src/machines/limits/quota.machine.ts";
import type { Decision } from "../../../src/machines/model/decision.ts";
import { ONLY } from "../../../src/machines/model/ids.ts";
import type { InstanceType } from "../../../src/machines/model/instance-type.ts";
import { restore } from "../../../src/machines/step.ts";
import { instanceViews } from "../../../src/http/worker-view.ts";
import { describeScenarios, type Scenario } from "../../drivers/scenarios.ts";
import { containerId } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { instanceType } from "../../support/settings.ts";
import { C1, C2, WorkerRig } from "../../support/worker-rig.ts";

type Builder = CoreBuilder;
type Behavior = "run" | "hold" | "drain";

/** Hands the machines decisions as a run of the planner would; those that one accepted. */
function decide(builder: Builder, decisions: Decision[]): readonly Decision[] {
  const { core } = builder;
  const fact = {
    type: "planner.ran",
    atMs: builder.nowMs,
    polledSeq: core.seq,
    seen503AtMs: null,
  } as const;
  const applied = core.apply(fact, { seq: 0, fact, commands: [], decisions });
  if (applied.record) builder.readModel.release(applied.record.seq, applied.changes);
  return applied.record?.decisions ?? [];
}

function create(builder: Builder, type: string): boolean {
  const decision = { do: "create", container: containerId(1), instanceType: type } as const;
  return decide(builder, [{ ...decision, reason: "test" }]).length === 1;
}

function shutdown(builder: Builder, worker: string): boolean {
  return decide(builder, [{ do: "shutdown", worker, reason: "test" }]).length === 1;
}

function seen(
  builder: Builder,
  instanceId: string,
  type: string,
  behavior: Behavior | "" = "",
): void {
  builder.feed({
    type: "instance.seen",
    basedOnSeq: builder.core.seq,
    instanceId,
    createdBy: null,
    address: "10.0.0.1",
    instanceType: type,
    providerType: `provider${type}`,
    idleBehavior: behavior,
  });
}

/** Two complete lists in a row without it. */
function vanished(builder: Builder, workerId: string): void {
  for (let n = 0; n < 2; n++) {
    builder.nowMs += 1_000;
    const basedOnSeq = builder.core.seq;
    const list = { listStartedAtMs: builder.nowMs, lastGoodProbeAtMs: 0 };
    builder.feed({ type: "instance.missing", workerId, basedOnSeq, ...list });
  }
}

function listed(builder: Builder, instancesCount: number): void {
  const list = { basedOnSeq: builder.core.seq, listStartedAtMs: builder.nowMs, instancesCount };
  builder.feed({ type: "instances.listed", ...list });
}

const workers = (
  builder: Builder,
): { id: string; type: string; state: string; behavior: string }[] =>
  [...builder.core.registry.entries("worker")].map(([id, { value, context }]) => ({
    id,
    type: context.instanceType,
    state: value.lifecycle,
    behavior: value.idleBehavior,
  }));

const viewsOf = (builder: Builder, type: string): number =>
  workers(builder).filter((worker) => worker.type === type).length;

function view(builder: Builder): ReturnType<typeof planView> {
  const { core } = builder;
  if (!core.settings) throw new Error("no settings");
  const fact = {
    type: "planner.ran",
    atMs: builder.nowMs,
    polledSeq: 0,
    seen503AtMs: null,
  } as const;
  return planView(core.registry, core.settings, fact);
}

function typesOf(json: Record<string, Record<string, unknown>>): Record<string, InstanceType> {
  const types: Record<string, InstanceType> = {};
  for (const [name, type] of Object.entries(json))
    types[name] = {
      ...instanceType(1),
      name,
      providerType: String(type.ProviderType),
      vcpus: Number(type.VCPUs ?? 1),
      ram: Number(type.RAM ?? 2 ** 30),
      price: Number(type.Price ?? 0.1),
      preemptible: type.Preemptible === true,
    };
  return types;
}

/** A daemon on its own journal; with `journal`, it goes on with the last one's. */
function resumed({ then }: Scenario): void {
  const { asserted } = then;
  const first = new CoreBuilder().dispatching();
  const types = ["type1", "type1", "type2", "type4"];
  types.forEach((type, index) => {
    create(first, type);
    first.createEnds(`i-${index + 1}`);
  });
  for (const { id } of workers(first)) {
    const listing = { containerIds: [], broken: false, stale: false, bootError: "" };
    const basedOnSeq = first.core.seq;
    const probe = { basedOnSeq, startedAtMs: first.nowMs, booted: true, ...listing };
    first.feed({ type: "probe.succeeded", workerId: id, ...probe });
  }
  const byType = (builder: Builder): string[][] =>
    workers(builder)
      .map(({ type, state }) => [type, state])
      .sort();
  expect(byType(first)).toEqual(asserted.pool1_states_sorted_by_type);
  const held = workers(first).find(({ type }) => type === "type2")?.id ?? "";
  const ask = { behavior: "hold", reason: "test" } as const;
  const { record } = first.feed({ type: "behavior.requested", workerId: held, ...ask });
  expect(record?.commands).toEqual([
    expect.objectContaining({ kind: "instance.setTags", instanceId: "i-3", idleBehavior: "hold" }),
  ]);

  const { type4: _gone, ...left } = first.core.settings?.instanceTypes ?? {};
  const behaviors = (builder: Builder): unknown =>
    Object.fromEntries(workers(builder).map(({ type, behavior }) => [type, behavior]));
  const wanted = { type1: "run", type2: "hold", type4: "drain" };
  // Without the journal of the first: what the cloud's tags tell.
  const second = new CoreBuilder({ instanceTypes: left });
  types.forEach((type, index) =>
    seen(second, `i-${index + 1}`, type, index === 2 ? "hold" : "run"),
  );
  expect(behaviors(second)).toEqual(wanted);
  expect(second.core.registry.get("worker", "i-3")?.value.idleBehavior).toBe("hold");
  // And on it.
  const settings = { ...first.core.settings, instanceTypes: left } as never;
  first.feed({ type: "config.loaded", hash: "other", settings });
  first.feed({ type: "daemon.started", version: "test", journalId: "j1" });
  expect(behaviors(first)).toEqual(wanted);
  expect(workers(first).map(({ state }) => state)).toEqual(Array(4).fill("unknown"));
}

function createThrottle({ then }: Scenario): void {
  const { steps } = then;
  const builder = new CoreBuilder({ maxConcurrentInstanceCreateOps: 1 }).dispatching();
  const count = (): number => viewsOf(builder, "type1");
  const plan = (): boolean => {
    const { record } = builder.plan();
    return record?.decisions.some((decision) => decision.do === "create") ?? false;
  };
  const limitTo = (max: number): void => {
    builder.nowMs += 5_000;
    const throttle = { actorKind: "throttle", actorId: ONLY, lastGoodProbeAtMs: null } as const;
    builder.feed({ type: "clock.ticked", ...throttle });
    const settings = { ...builder.core.settings, maxConcurrentInstanceCreateOps: max } as never;
    builder.feed({ type: "config.loaded", hash: `${max}`, settings });
  };
  expect(count()).toBe(steps[0].expect);
  const needs = { vcpus: 1, ram: 2 ** 30 };
  builder.container(containerId(1), { state: "Locked", ...needs });
  expect([plan(), count()]).toEqual([steps[1].expect, steps[1].views]);
  builder.container(containerId(2), { state: "Locked", ...needs });
  expect([plan(), count()]).toEqual([steps[2].expect, steps[2].views]);
  const throttle = builder.core.registry.get("throttle", ONLY);
  expect([throttle?.value, throttle?.context.untilMs]).toEqual(["held", builder.nowMs + 5_000]);
  limitTo(2);
  expect([plan(), count()]).toEqual([steps[3].expect, steps[3].views]);
  builder.container(containerId(3), { state: "Locked", ...needs });
  limitTo(0);
  expect([plan(), count()]).toEqual([steps[4].expect, steps[4].views]);
}

function createUnallocShutdown({ given }: Scenario): void {
  const instanceTypes = typesOf(given.instance_types);
  const zero = { timeoutIdleMs: 0, timeoutBootingMs: 0, timeoutProbeMs: 0, timeoutShutdownMs: 0 };
  const builder = new CoreBuilder({ instanceTypes, ...zero });
  const views = (): Record<string, number> => ({
    a1s: viewsOf(builder, "a1s"),
    a2m: viewsOf(builder, "a2m"),
    a2l: viewsOf(builder, "a2l"),
  });
  expect(workers(builder)).toEqual([]);
  for (const type of ["a2m", "a1s", "a2m", "a2l"]) expect(create(builder, type)).toBe(true);
  expect(views()).toEqual({ a1s: 1, a2m: 2, a2l: 1 });
  for (const instanceId of ["i-1", "i-2", "i-3", "i-4"]) builder.createEnds(instanceId);
  const secret = "0123456789abcdef0123456789abcdef01234567";
  expect(initCommand(secret, given.InstanceInitCommand)).toMatch(
    /^umask 0177 && echo -n "[0-9a-f]+" >\/var\/run\/arvados-instance-secret\necho 'instance init command goes here'$/,
  );
  const [m1 = "", s = "", m2 = "", l = ""] = ["i-1", "i-2", "i-3", "i-4"].map(
    (id) => builder.core.registry.workerOfInstance(id) ?? "",
  );
  const ask = (behavior: Behavior): string => {
    builder.feed({ type: "behavior.requested", workerId: l, behavior, reason: "test" });
    return builder.core.registry.get("worker", l)?.value.idleBehavior ?? "";
  };
  expect(ask("hold")).toBe("hold");
  expect(shutdown(builder, l)).toBe(false);
  expect(views().a2l).toBe(1);
  for (const [worker, left] of [
    [m1, { a1s: 1, a2m: 1, a2l: 1 }],
    [m2, { a1s: 1, a2m: 0, a2l: 1 }],
    [s, { a1s: 0, a2m: 0, a2l: 1 }],
  ] as const) {
    expect(shutdown(builder, worker)).toBe(true);
    vanished(builder, worker);
    expect(views()).toEqual(left);
  }
  expect(ask("run")).toBe("run");
  expect(ask("drain")).toBe("drain");
  expect(workers(builder)).toEqual([expect.objectContaining({ type: "a2l", state: "shutdown" })]);
  vanished(builder, l);
  expect(workers(builder)).toEqual([]);
}

function instanceQuotaGroup({ given, then }: Scenario): void {
  const instanceTypes = typesOf(given.instance_types);
  const group = ({ providerType, preemptible }: InstanceType): string =>
    providerType.slice(0, 1) + (preemptible ? "-p" : "");
  const quotaGroups = Object.fromEntries(
    Object.entries(instanceTypes).map(([name, type]) => [name, group(type)]),
  );
  const builder = new CoreBuilder({ instanceTypes, quotaGroups });
  const atCapacity = (name: string): boolean => {
    const type = instanceTypes[name];
    return type ? view(builder).atCapacity(type, 0) : true;
  };
  create(builder, "A1");
  builder.createEnds({ code: "capacity", scope: "quotaGroup", message: "none left" });
  expect(atCapacity("A1")).toBe(true);
  create(builder, "B4p");
  builder.createEnds({ code: "capacity", scope: "type", message: "none left" });
  const [, , checked, created] = then.steps;
  const told = Object.keys(instanceTypes).map((name) => [name, atCapacity(name)]);
  expect(Object.fromEntries(told)).toEqual(checked.expect);
  // What is at capacity is never chosen for a create.
  for (const [name, accepted] of created.expect) expect(!atCapacity(name)).toBe(accepted);
}

function eligibleForShutdown({ given, then }: Scenario): void {
  const { state, idle_behavior: behavior, runners_given_up: givenUp } = given.worker;
  const rig = givenUp ? WorkerRig.running([C1, C2].slice(0, givenUp.length)) : WorkerRig.in(state);
  for (const [index, gaveUp] of (givenUp ?? []).entries()) {
    if (!gaveUp) continue;
    rig.killDecided([C1, C2][index]);
    const { deadlineAtMs = 0 } = rig.context.processes[[C1, C2][index] ?? ""]?.kill ?? {};
    while (rig.nowMs < deadlineAtMs) rig.after(5_000).ticked();
  }
  const isOver = state === "shutdown";
  rig.asked(behavior);
  const asked = [...rig.kinds];
  const seconds =
    state === "unknown" ? given.worker.seconds_since_appeared : given.worker.seconds_since_busy;
  rig.after(seconds * 1000).ticked();
  if (isOver) expect([...asked, ...rig.kinds]).not.toContain("instance.destroy");
  else expect(rig.state === "shutdown").toBe(then.shutdown);
}

function shutdownIfBroken({ given, then }: Scenario): void {
  const rig = WorkerRig.in(given.worker.state).asked(given.worker.idle_behavior);
  const outcomeBefore = rig.context.bootOutcome;
  rig.probeFailed(given.seconds_from_last_good_probe_to_start_of_failed_probe * 1000);
  expect(rig.state === "shutdown").toBe(then.shutdown);
  const isNew = rig.context.bootOutcome !== outcomeBefore;
  expect(isNew ? rig.context.bootOutcome : null).toBe(then.boot_outcome ? "failure" : null);
}

function quotaError({ given, then }: Scenario): void {
  const builder = new CoreBuilder();
  const { registry } = builder.core;
  const { atQuotaUntilFewerInstances_before: fewerThan } = given;
  if (fewerThan > 0) {
    const context = { fewerThan, untilMs: null, message: "" };
    registry.set("quota", ONLY, restore(quotaMachine, { value: "closedUntilFewer", context }));
  }
  for (let n = 1; n <= given.workers; n++) seen(builder, `i-${n}`, "type1");
  for (let n = 1; n <= given.creating_including_this; n++) create(builder, "type1");
  builder.createEnds({ code: "quota", message: "quota" });
  const quota = registry.get("quota", ONLY)?.context;
  expect(quota?.fewerThan).toBe(then.state.atQuotaUntilFewerInstances);
  const untilMs = then.state.atQuotaUntil === "now+1m" ? builder.nowMs + 60_000 : null;
  expect(quota?.untilMs).toBe(untilMs);
  expect(view(builder).atQuota).toBe(then.at_quota);
}

function capacityKey({ given, then }: Scenario): void {
  const { type, quota_group: group, error } = given;
  const instanceTypes = typesOf({ t: type });
  const builder = new CoreBuilder({ instanceTypes, quotaGroups: { t: group } });
  create(builder, "t");
  const scope = error.type_specific ? "type" : error.quota_group_specific ? "quotaGroup" : "all";
  builder.createEnds({ code: "capacity", scope, message: "none left" });
  // "" cannot name an actor: everything is `*` here.
  const key = then.capacity_key === "" ? EVERYTHING : then.capacity_key;
  expect(builder.core.registry.ids("capacity")).toEqual([key]);
  const held = builder.core.registry.get("capacity", key);
  expect(held && dueAtMs("capacity", held)).toBe(builder.nowMs + 60_000);
  builder.nowMs += 60_000;
  const tick = { actorKind: "capacity", actorId: key, lastGoodProbeAtMs: null } as const;
  // The tick at its end is a change, which wakes the planner.
  expect(builder.feed({ type: "clock.ticked", ...tick }).changes).toHaveLength(1);
  expect(builder.core.registry.ids("capacity")).toEqual([]);
}

function vanishedWorker(): void {
  const builder = new CoreBuilder().dispatching();
  const [running, locked] = [containerId(1), containerId(2)];
  builder.instance("i-1", "type2", [running, locked]);
  builder.container(running, { state: "Running" }).container(locked, { state: "Locked" });
  builder.plan();
  vanished(builder, "i-1");
  expect(builder.core.registry.ids("worker")).toEqual([]);
  for (const id of [running, locked]) {
    const container = builder.core.registry.get("container", id);
    expect([container?.value.process, container?.context.exitedSeq]).toEqual(["absent", null]);
  }
  const decisions = builder.plan().record?.decisions ?? [];
  expect(decisions).toContainEqual({
    do: "cancel",
    container: running,
    reason: "not running on any worker",
  });
  expect(decisions).toContainEqual(expect.objectContaining({ do: "create", container: locked }));
}

function viewOrder({ then }: Scenario): void {
  const builder = new CoreBuilder();
  const instanceTypes = typesOf({ typeA: {}, typeB: {}, a: {}, b: {} });
  const settings = { ...builder.core.settings, instanceTypes } as never;
  builder.feed({ type: "config.loaded", hash: "other", settings });
  seen(builder, "i-2", "b");
  seen(builder, "i-1", "a");
  create(builder, "typeB");
  create(builder, "typeA");
  const views = instanceViews(builder.readModel, instanceTypes) as Record<string, unknown>[];
  expect(views.map((one) => [one.instance, one.arvados_instance_type])).toEqual(then.order);
}

describeScenarios("worker.pool.json", {
  runs: {
    "arv.pool.resume_after_restart": resumed,
    "arv.pool.start_container_idle_behavior.*": ({ given, then }) => {
      const rig = WorkerRig.idle();
      const { idle_behavior: behavior } = given.worker;
      // An idle worker that drains is shut down at once, and then takes no container either.
      if (behavior !== "run") rig.asked(behavior);
      expect(rig.started().kinds.includes("process.start")).toBe(then.asserted.result);
    },
    "arv.pool.create_throttle": createThrottle,
    "arv.pool.create_unalloc_shutdown": createUnallocShutdown,
    "arv.pool.instance_quota_group": instanceQuotaGroup,
    "drv.pool.eligible_for_shutdown.*": eligibleForShutdown,
    "drv.pool.shutdown_if_broken.*": shutdownIfBroken,
    "drv.pool.quota_error.*": quotaError,
    "drv.pool.quota_released_by_sync": ({ given, then }) => {
      const builder = new CoreBuilder();
      const context = { fewerThan: given.atQuotaUntilFewerInstances, untilMs: null, message: "" };
      const closed = restore(quotaMachine, { value: "closedUntilFewer", context });
      builder.core.registry.set("quota", ONLY, closed);
      for (let n = 1; n <= given.workers_after_sync; n++) seen(builder, `i-${n}`, "type1");
      expect(view(builder).atQuota).toBe(true);
      listed(builder, given.workers_after_sync);
      const { fewerThan } = builder.core.registry.get("quota", ONLY)?.context ?? {};
      expect([fewerThan, view(builder).atQuota]).toEqual([
        then.atQuotaUntilFewerInstances,
        then.at_quota,
      ]);
    },
    "drv.pool.max_instances": ({ given, then }) => {
      const builder = new CoreBuilder({ maxInstances: given.MaxInstances }).dispatching();
      for (let n = 1; n <= given.workers; n++) seen(builder, `i-${n}`, "type1");
      for (let n = 1; n <= given.creating; n++) create(builder, "type1");
      builder.container(containerId(1), { vcpus: 16, ram: 2 ** 30 });
      expect(
        builder
          .plan()
          .queue?.statuses()
          .map(({ reason }) => reason),
      ).toEqual([then.at_quota ? "atQuota" : ""]);
    },
    "drv.pool.capacity_key.*": capacityKey,
    "drv.pool.vanished_worker": vanishedWorker,
    "drv.pool.shutdown_retry": ({ given, then }) => {
      const rig = WorkerRig.idle({ timeoutShutdownMs: 10_000 }).killed();
      rig.after(given.worker.destroyed_age_s * 1000).seen();
      expect(rig.kinds.includes("instance.destroy")).toBe(then.destroy_called_again);
    },
    "drv.pool.instances_view_order": viewOrder,
  },
});

describeScenarios("2018.pool.json", {
  runs: {
    "2018.pool.create_unalloc_shutdown": ({ given, then }) => {
      const builder = new CoreBuilder({ instanceTypes: typesOf(given.types) });
      // Superseded (specification §7): a shutdown names an instance, and what is being shut down is no longer free.
      const free = (): unknown => {
        const left = workers(builder).filter(({ state }) => state !== "shutdown");
        const count = (type: string): number => left.filter((one) => one.type === type).length;
        return { a1s: count("a1s"), a2m: count("a2m") };
      };
      const end = (type: string): boolean =>
        workers(builder).some((one) => one.type === type && shutdown(builder, one.id));
      const { steps } = then;
      expect(free()).toEqual(steps[0].expect);
      for (const type of ["a2m", "a1s", "a2m"]) create(builder, type);
      expect(free()).toEqual(steps[1].expect);
      for (const instanceId of ["i-1", "i-2", "i-3"]) builder.createEnds(instanceId);
      expect(free()).toEqual(steps[2].expect);
      for (const instanceId of ["i-1", "i-2", "i-3"]) seen(builder, instanceId, "");
      expect(free()).toEqual(steps[3].expect);
      expect([end("a2m"), free()]).toEqual([steps[4].returns, steps[4].expect]);
      expect([end("a2m"), free()]).toEqual([steps[5].returns, steps[5].expect]);
      expect(end("a2m")).toBe(steps[6].returns);
      expect([end("a1s"), free()]).toEqual([steps[7].returns, steps[7].expect]);
    },
  },
  skips: {
    "2018.pool.start_container": "a placeholder without a case; see worker.pool and worker.runner",
    "2018.pool.verify_host_key":
      "a placeholder without a case; see sshexecutor and specification §8.2",
  },
});
