import { ReadModel } from "../../src/actors/read-model.ts";
import { Core } from "../../src/machines/core/core.ts";
import type { Applied } from "../../src/machines/core/core.ts";
import type { ContainerRecord, FactInput, Failure } from "../../src/machines/model/fact.ts";
import { ACTOR_KINDS } from "../../src/machines/model/ids.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import type { Settings } from "../../src/machines/model/settings.ts";
import { containerRecord } from "./containers.ts";
import { settings } from "./settings.ts";

/** A core that is fed by hand, with the read model that a supervisor would make of it, at once durable. */
export class CoreBuilder {
  readonly core = new Core("j1");
  readonly readModel = new ReadModel();
  readonly journaled: JournalRecord[] = [];
  /** Of the next fact. */
  nowMs = Date.parse("2026-01-02T03:04:05.678Z");

  constructor(changes: Partial<Settings> = {}) {
    for (const kind of ACTOR_KINDS)
      for (const [id, snapshot] of this.core.registry.entries(kind))
        this.readModel.set(kind, id, snapshot);
    this.#before({ type: "config.loaded", hash: "hash", settings: settings(changes) });
  }

  #before(input: FactInput): void {
    const nowMs = this.nowMs;
    this.nowMs -= settings().timeoutStartMs;
    this.feed(input);
    this.nowMs = nowMs;
  }

  feed(input: FactInput): Applied {
    const applied = this.core.apply({ ...input, atMs: this.nowMs });
    if (applied.record) this.journaled.push(applied.record);
    if (applied.record) this.readModel.release(applied.record.seq, applied.changes);
    this.readModel.limits = this.core.limits ?? undefined;
    const { queue } = applied;
    if (queue?.metrics) this.readModel.takePlan(queue.statuses, queue.metrics);
    return applied;
  }

  /** Started, with a list and a poll taken in, the recovery over and a first pass made: from now on `plan` decides. */
  dispatching(): this {
    // So long ago that nothing of an earlier run can turn up.
    this.#before({ type: "daemon.started", version: "test", journalId: "j1" });
    this.feed({ type: "lease.acquired" });
    const basedOnSeq = this.core.seq;
    const listStartedAtMs = this.nowMs;
    this.feed({ type: "instances.listed", basedOnSeq, listStartedAtMs, instancesCount: 0 });
    this.feed({ type: "queue.polled", basedOnSeq, startedAtMs: this.nowMs });
    // The first run ends the recovery.
    this.plan();
    this.plan();
    return this;
  }

  plan(): Applied {
    return this.feed({ type: "planner.ran", polledSeq: this.core.seq, seen503AtMs: null });
  }

  container(containerId: string, changes: Partial<ContainerRecord> = {}): this {
    const record = containerRecord({ createdAtMs: this.nowMs, ...changes });
    this.feed({ type: "container.added", containerId, basedOnSeq: this.core.seq, record });
    return this;
  }

  /** An instance that was found in the cloud, with what its first probe lists; its worker has the instance's id. */
  instance(instanceId: string, type: string, running: readonly string[] = []): this {
    const { core } = this;
    this.feed({
      type: "instance.seen",
      basedOnSeq: core.seq,
      instanceId,
      createdBy: null,
      address: "10.0.0.1",
      instanceType: type,
      providerType: `provider${type}`,
      idleBehavior: "",
    });
    this.feed({
      type: "probe.succeeded",
      workerId: instanceId,
      basedOnSeq: core.seq,
      startedAtMs: this.nowMs,
      booted: true,
      containerIds: [...running].sort(),
      broken: false,
      stale: false,
      bootError: "",
    });
    return this;
  }

  /** How the oldest create that is in flight ends: with an instance of that id, or with a failure. */
  createEnds(outcome: string | Failure): this {
    const pending = [...this.readModel.all("worker")].find(({ context }) => context.createOpen);
    if (!pending) throw new Error("no create is in flight");
    const { workerId } = pending.context;
    const ids = { commandId: workerId, workerId };
    if (typeof outcome === "string")
      this.feed({ type: "create.succeeded", ...ids, instanceId: outcome, address: "10.0.0.2" });
    else this.feed({ type: "create.failed", ...ids, failure: outcome });
    return this;
  }
}
