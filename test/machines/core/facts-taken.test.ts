import { expect, it } from "vitest";
import { factSchema } from "../../../src/machines/model/fact.ts";
import type { FactInput, FactType } from "../../../src/machines/model/fact.ts";
import { containerRecord } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { settings } from "../../support/settings.ts";

const C1 = "zzzzz-dz642-000000000000001";
const FAILURE = { code: "other", message: "no" } as const;

/** The state in which a fact finds somebody whom it concerns, and the fact. */
type Told = (core: CoreBuilder) => FactInput;

const worker = { workerId: "i-1" };
const outcome = { ...worker, commandId: "j1-999-1" };
const based = { basedOnSeq: 999 };
const silent = { lastGoodProbeAtMs: 0 };
const probe = { ...worker, ...based, startedAtMs: 1, broken: false } as const;

const started = (core: CoreBuilder): void =>
  void core.feed({ type: "daemon.started", version: "test", journalId: "j1" });
const idle = (core: CoreBuilder): CoreBuilder => core.dispatching().instance("i-1", "type1");
const running = (core: CoreBuilder): CoreBuilder =>
  core.dispatching().instance("i-1", "type1", [C1]).container(C1, { state: "Running" });
const queued = (core: CoreBuilder): CoreBuilder => core.dispatching().container(C1);
const ending = (core: CoreBuilder): CoreBuilder => {
  idle(core).feed({ type: "shutdown.requested", ...worker, reason: "" });
  return core;
};
/** With a create in flight: the worker's id. */
const creating = (core: CoreBuilder): string => {
  queued(core).plan();
  const [lock] = core.journaled.at(-1)?.commands ?? [];
  const locked = { operation: "lock", state: "Locked", priority: null } as const;
  core.feed({ type: "operation.succeeded", commandId: lock?.id ?? "", containerId: C1, ...locked });
  core.plan();
  return core.core.registry.ids("worker")[0] ?? "";
};
/** With a start in flight: the command's id. */
const starting = (core: CoreBuilder): string => {
  const commandId = `j1-${core.core.seq + 1}-1`;
  idle(core).container(C1, { state: "Locked" }).plan();
  return commandId;
};
const locking = (core: CoreBuilder): void => void idle(core).container(C1).plan();
const after =
  (prepare: (core: CoreBuilder) => unknown, fact: FactInput): Told =>
  (core) => {
    prepare(core);
    return fact;
  };
const ofC1 = { containerId: C1 };
const operation = { ...ofC1, commandId: "j1-999-1", operation: "lock" } as const;
const seen = {
  type: "instance.seen",
  ...based,
  instanceId: "i-1",
  createdBy: null,
  address: "",
  instanceType: "type1",
  providerType: "",
  idleBehavior: "",
} as const;

/** A kind that nobody takes has no place here: a fact that changes nothing leaves no trace. */
const TOLD: Record<FactType, Told> = {
  "daemon.started": () => ({ type: "daemon.started", version: "test", journalId: "j1" }),
  "config.loaded": () => ({ type: "config.loaded", hash: "other", settings: settings() }),
  "lease.acquired": after(started, { type: "lease.acquired" }),
  "stop.requested": after(idle, { type: "stop.requested", drain: true, reason: "" }),
  "instance.seen": after(started, seen),
  "instance.missing": after(idle, {
    type: "instance.missing",
    ...worker,
    ...based,
    ...silent,
    listStartedAtMs: 1,
  }),
  "instances.listed": (core) => {
    started(core);
    core.feed({ type: "lease.acquired" });
    return { type: "instances.listed", ...based, listStartedAtMs: 1, instancesCount: 0 };
  },
  "create.succeeded": (core) => {
    const workerId = creating(core);
    return {
      type: "create.succeeded",
      commandId: workerId,
      workerId,
      instanceId: "i",
      address: "",
    };
  },
  "create.failed": (core) => {
    const workerId = creating(core);
    return { type: "create.failed", commandId: workerId, workerId, failure: FAILURE };
  },
  "destroy.accepted": after(ending, { type: "destroy.accepted", ...outcome }),
  "destroy.failed": after(ending, { type: "destroy.failed", ...outcome, failure: FAILURE }),
  "tags.saved": (core) => {
    idle(core).feed({ type: "tags.failed", ...outcome, failure: FAILURE });
    return { type: "tags.saved", ...outcome };
  },
  "tags.failed": after(idle, { type: "tags.failed", ...outcome, failure: FAILURE }),
  "ssh.connected": after(idle, { type: "ssh.connected", ...worker }),
  "probe.succeeded": after(idle, {
    type: "probe.succeeded",
    ...probe,
    booted: true,
    stale: true,
    containerIds: [],
    bootError: "",
  }),
  "probe.failed": after(idle, {
    type: "probe.failed",
    ...probe,
    ...silent,
    booted: false,
    error: "no",
  }),
  "start.returned": (core) => {
    const commandId = starting(core);
    const returned = { ...worker, ...ofC1, outcome: "started", error: "" } as const;
    return { type: "start.returned", commandId, ...returned };
  },
  "kill.returned": after(running, {
    type: "kill.returned",
    ...outcome,
    ...ofC1,
    gone: true,
    error: "",
  }),
  "container.added": after(started, {
    type: "container.added",
    ...ofC1,
    ...based,
    record: containerRecord(),
  }),
  "container.changed": after(queued, {
    type: "container.changed",
    ...ofC1,
    ...based,
    state: "Queued",
    priority: "7",
  }),
  "container.missing": after(queued, { type: "container.missing", ...ofC1, ...based }),
  "container.rejected": after(started, {
    type: "container.rejected",
    ...ofC1,
    ...based,
    state: "Queued",
    error: "no",
  }),
  "queue.polled": (core) => {
    started(core);
    core.feed({ type: "lease.acquired" });
    return { type: "queue.polled", ...based, startedAtMs: 1 };
  },
  "operation.succeeded": after(locking, {
    type: "operation.succeeded",
    ...operation,
    state: "Locked",
    priority: null,
  }),
  "operation.failed": after(locking, {
    type: "operation.failed",
    ...operation,
    failure: FAILURE,
  }),
  "clock.ticked": (core) => {
    idle(core).nowMs += 3_600_000;
    return { type: "clock.ticked", actorKind: "worker", actorId: "i-1", lastGoodProbeAtMs: 1 };
  },
  "planner.ran": after(queued, { type: "planner.ran", polledSeq: 999, seen503AtMs: null }),
  "behavior.requested": after(idle, {
    type: "behavior.requested",
    ...worker,
    behavior: "hold",
    reason: "",
  }),
  "shutdown.requested": after(idle, { type: "shutdown.requested", ...worker, reason: "" }),
  "kill.requested": after(running, { type: "kill.requested", ...ofC1, reason: "" }),
  "cancel.requested": after(queued, { type: "cancel.requested", ...ofC1, reason: "" }),
};

const KINDS = factSchema.options.map(({ shape }) => shape.type.value);

it.each(KINDS)("%s is taken by some chart in some state", (type) => {
  const core = new CoreBuilder();
  const fact = TOLD[type](core);
  expect(fact.type).toBe(type);
  const { record, changes } = core.feed(fact);
  expect(record).toBeDefined();
  // The charts do not read the config: it is given to them with each event.
  if (type === "config.loaded") expect(core.core.configHash).toBe("other");
  else expect(changes.length).toBeGreaterThan(0);
});
