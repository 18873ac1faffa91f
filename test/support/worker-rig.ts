import type { CommandDraft, IdleBehavior } from "../../src/machines/model/command.ts";
import type { Notice } from "../../src/machines/model/notice.ts";
import type { Settings } from "../../src/machines/model/settings.ts";
import { start, step } from "../../src/machines/step.ts";
import { foundWorker, workerMachine } from "../../src/machines/worker/worker.machine.ts";
import type { WorkerSnapshot } from "../../src/machines/worker/worker.machine.ts";
import type { WorkerContext, WorkerEvent } from "../../src/machines/worker/worker.types.ts";
import { settings } from "./settings.ts";

type Told = WorkerEvent extends infer E
  ? E extends WorkerEvent
    ? Omit<E, "seq" | "settings" | "atMs" | "workerId">
    : never
  : never;

export const C1 = "zzzzz-dz642-000000000000001";
export const C2 = "zzzzz-dz642-000000000000002";

/** A worker's chart, fed by hand: each event is the next `seq`, at the rig's time. */
export class WorkerRig {
  snapshot: WorkerSnapshot;
  seq = 1;
  nowMs = 1_000_000;
  readonly settings: Settings;
  /** Of the newest event. */
  commands: readonly CommandDraft[] = [];
  notices: readonly Notice[] = [];

  private constructor(changes: Partial<Settings>, found?: IdleBehavior) {
    this.settings = settings(changes);
    const { timeoutBootingMs } = this.settings;
    const input = {
      workerId: "j1-1-1",
      atMs: this.nowMs,
      seq: 1,
      instanceType: "type1",
      providerType: "providertype1",
    };
    if (found) {
      const unknownDeadlineAtMs = this.nowMs + timeoutBootingMs;
      const instance = {
        instanceId: "i-1",
        address: "10.0.0.1",
        unknownDeadlineAtMs,
        startsUntilMs: null,
      };
      this.snapshot = foundWorker({ ...input, found: { ...instance, behaviorReason: "" } }, found);
      return;
    }
    const born = start(workerMachine, { ...input, found: null });
    this.snapshot = born.snapshot;
    this.commands = born.commands;
  }

  static creating(changes: Partial<Settings> = {}): WorkerRig {
    return new WorkerRig(changes);
  }

  static unknown(changes: Partial<Settings> = {}, behavior: IdleBehavior = "run"): WorkerRig {
    return new WorkerRig(changes, behavior);
  }

  static booting(changes: Partial<Settings> = {}): WorkerRig {
    return WorkerRig.creating(changes).created();
  }

  static idle(changes: Partial<Settings> = {}): WorkerRig {
    return WorkerRig.booting(changes).probed();
  }

  /** With the processes given, as a probe listed them. */
  static running(ids: readonly string[] = [C1], changes: Partial<Settings> = {}): WorkerRig {
    return WorkerRig.booting(changes).probed({ containerIds: ids });
  }

  /** In any state of the chart, by the shortest way. */
  static in(state: WorkerRig["state"], changes: Partial<Settings> = {}): WorkerRig {
    switch (state) {
      case "creating":
        return WorkerRig.creating(changes);
      case "unknown":
        return WorkerRig.unknown(changes);
      case "booting":
        return WorkerRig.booting(changes);
      case "idle":
        return WorkerRig.idle(changes);
      case "running":
        return WorkerRig.running([C1], changes);
      case "shutdown":
        return WorkerRig.idle(changes).killed();
      case "gone":
        throw new Error("a worker that is gone has left");
      default:
        return state satisfies never;
    }
  }

  get state(): WorkerSnapshot["value"]["lifecycle"] {
    return this.snapshot.value.lifecycle;
  }

  get behavior(): IdleBehavior {
    return this.snapshot.value.idleBehavior;
  }

  get context(): WorkerContext {
    return this.snapshot.context;
  }

  get kinds(): string[] {
    return this.commands.map(({ kind }) => kind);
  }

  get told(): string[] {
    return this.notices.map((notice) =>
      notice.type === "process.ended" ? `${notice.type} ${notice.how}` : notice.type,
    );
  }

  after(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  send(told: Told): this {
    const before = this.snapshot;
    this.seq++;
    const delivered = { atMs: this.nowMs, seq: this.seq, settings: this.settings };
    const event = { workerId: this.context.workerId, ...told, ...delivered } as WorkerEvent;
    const { snapshot, commands, notices } = step(workerMachine, before, event);
    Object.assign(this, { snapshot, commands, notices });
    return this;
  }

  created(): this {
    const commandId = this.context.workerId;
    return this.send({ type: "create.succeeded", commandId, instanceId: "i-1", address: "" });
  }

  seen(changes: { address?: string; idleBehavior?: IdleBehavior | "" } = {}): this {
    return this.send({
      type: "instance.seen",
      basedOnSeq: this.seq,
      instanceId: "i-1",
      createdBy: null,
      address: changes.address ?? this.context.address,
      instanceType: "type1",
      providerType: "providertype1",
      idleBehavior: changes.idleBehavior ?? this.behavior,
    });
  }

  missing(
    options: { listStartedAtMs?: number; goodAtMs?: number; basedOnSeq?: number } = {},
  ): this {
    return this.send({
      type: "instance.missing",
      basedOnSeq: options.basedOnSeq ?? this.seq,
      listStartedAtMs: options.listStartedAtMs ?? this.nowMs,
      lastGoodProbeAtMs: options.goodAtMs ?? 0,
    });
  }

  probed(
    changes: {
      booted?: boolean;
      containerIds?: readonly string[];
      broken?: boolean;
      stale?: boolean;
      bootError?: string;
      reportedCount?: number;
      basedOnSeq?: number;
      startedAtMs?: number;
    } = {},
  ): this {
    return this.send({
      type: "probe.succeeded",
      basedOnSeq: this.seq,
      startedAtMs: this.nowMs,
      booted: true,
      broken: false,
      stale: false,
      bootError: "",
      ...changes,
      containerIds: [...(changes.containerIds ?? [])].sort(),
    });
  }

  /** A probe that began `unansweredMs` after the last good one. */
  probeFailed(
    unansweredMs: number,
    changes: { broken?: boolean; basedOnSeq?: number; reportedCount?: number } = {},
  ): this {
    return this.send({
      type: "probe.failed",
      basedOnSeq: this.seq,
      startedAtMs: this.nowMs,
      lastGoodProbeAtMs: this.nowMs - unansweredMs,
      booted: false,
      broken: false,
      error: "no answer",
      ...changes,
    });
  }

  asked(behavior: IdleBehavior): this {
    return this.send({ type: "behavior.requested", behavior, reason: "maintenance" });
  }

  killed(): this {
    return this.send({ type: "shutdown.requested", reason: "must go" });
  }

  started(containerId = C1): this {
    return this.send({ type: "start.decided", containerId });
  }

  startReturned(outcome: "started" | "failed" | "unknown", containerId = C1): this {
    const commandId = "j1-2-1";
    const error = outcome === "started" ? "" : "it went wrong";
    return this.send({ type: "start.returned", commandId, containerId, outcome, error });
  }

  killDecided(containerId = C1): this {
    return this.send({ type: "kill.decided", kills: [{ containerId, reason: "priority=0" }] });
  }

  /** Of a kill sent at `sentSeq`; by default, just before. */
  killReturned(gone: boolean, options: { containerId?: string; sentSeq?: number } = {}): this {
    const commandId = `j1-${options.sentSeq ?? this.seq}-1`;
    const containerId = options.containerId ?? C1;
    return this.send({ type: "kill.returned", commandId, containerId, gone, error: "" });
  }

  ticked(lastGoodProbeAtMs: number | null = this.nowMs): this {
    const tick = { actorKind: "worker", actorId: this.context.workerId } as const;
    return this.send({ type: "clock.ticked", ...tick, lastGoodProbeAtMs });
  }

  restarted(): this {
    return this.send({ type: "daemon.started", version: "test", journalId: "j1" });
  }
}
