import { Subject } from "rxjs";
import type { Observable } from "rxjs";
import { CODE_VERSION } from "../machines/core/core.ts";
import type { Applied, Core } from "../machines/core/core.ts";
import type { Change } from "../machines/core/draft.ts";
import { dueAtMs } from "../machines/core/due.ts";
import { tellsNothing } from "../machines/core/route.ts";
import { setBackAt } from "../machines/core/set-back.ts";
import type { Fact, FactInput } from "../machines/model/fact.ts";
import { actorKey, parseActorKey } from "../machines/model/ids.ts";
import type { ActorKey } from "../machines/model/ids.ts";
import type { JournalRecord } from "../machines/model/record.ts";
import type { Journal } from "../drivers/journal/port.ts";
import type { Clock } from "./clock.ts";
import { Committer } from "./committer.ts";
import type { Batch } from "./committer.ts";
import { Deadlines } from "./deadlines.ts";
import { ReadModel } from "./read-model.ts";

/** A record that is durable, with what it changed. */
export interface Released {
  readonly record: JournalRecord;
  readonly changes: readonly Change[];
}

/** What only the feeds know: observation times are not state (docs/design.md). */
export interface Watermarks {
  /** When the worker last answered a probe of this run well, or null. */
  answeredAtMs(workerId: string): number | null;
  /** The newest `seq` when the newest complete poll began. */
  polledSeq(): number;
  /** Where the oldest of the probes began that were answered before that poll: see `planner.ran`. */
  answeredSeq(): number;
  seen503AtMs(): number | null;
}

const CHANGED_NOTHING = Promise.resolve(false);

/** Counts what the journal does not keep. All of it is optional to the caller. */
export interface SupervisorObserver {
  factTaken(type: Fact["type"], changed: boolean): void;
  factDropped(type: Fact["type"]): void;
  plannerRan(durationMs: number): void;
  commitFailed(error: Error): void;
  commitsRecovered(): void;
  /** A bug: the process is to end (exit 70) and be started again. */
  broke(error: unknown): void;
}

export interface SupervisorOptions {
  readonly core: Core;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly watermarks: Watermarks;
  readonly observer: SupervisorObserver;
  /** Records between two checkpoints. */
  readonly checkpointRecords: number;
  /** Runs `flush` soon, after what else happens now: records that come together share a commit. */
  readonly defer: (flush: () => void) => void;
  /** For measuring only; never part of a fact. */
  readonly stopwatchMs: () => number;
}

/**
 * The one writer: takes facts in one by one, steps the machines, journals what changed, and releases it when it is
 * durable (docs/design.md: the loop). Nobody else touches the core. Its two
 * timers are no streams: each is set anew by almost every fact.
 */
export class Supervisor {
  readonly readModel = new ReadModel();
  readonly released: Observable<Released>;
  readonly #released = new Subject<Released>();
  readonly #options: SupervisorOptions;
  readonly #committer: Committer;
  readonly #deadlines = new Deadlines();
  readonly #waiting = new Map<number, (isDurable: boolean) => void>();
  #planDirty = false;
  #planTimer: (() => void) | undefined;
  #tickTimer: (() => void) | undefined;
  #tickAtMs: number | undefined;
  #stopped = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.released = this.#released.asObservable();
    this.#committer = new Committer({
      ...options,
      onDurable: (batch) => this.#release(batch),
      takeCheckpoint: (seq) =>
        options.core.seq === seq
          ? { seq, code: CODE_VERSION, state: options.core.store() }
          : undefined,
    });
    this.#adoptState();
  }

  /** Feeds stop while the journal cannot be written. */
  get accepting(): boolean {
    return !this.#stopped && !this.#committer.failing;
  }

  /** Operators' requests are taken even then, as long as the space of the ballast lasts. */
  get writable(): boolean {
    return !this.#stopped && !this.#committer.stuck;
  }

  /** The newest `seq`, durable or not: what an observation that begins now is based on. */
  get seq(): number {
    return this.#options.core.seq;
  }

  /** The machines as they are now, durable or not: for feeds, which compare what they read with what is known. */
  get known(): Core["registry"] {
    return this.#options.core.registry;
  }

  /** Null before a configuration has been taken in. */
  get knownSettings(): Core["settings"] {
    return this.#options.core.settings;
  }

  get settings(): NonNullable<Core["settings"]> {
    const { settings } = this.#options.core;
    if (!settings) throw new Error("no configuration has been taken in yet");
    return settings;
  }

  /**
   * Takes in a fact. Resolves once what followed from it is durable: true, or false at once if it changed nothing, or when
   * the daemon stops before. Throws only for a bug, which also ends the daemon.
   */
  submit(input: FactInput): Promise<boolean> {
    const { type } = input;
    if (this.#stopped) {
      this.#options.observer.factDropped(type);
      return CHANGED_NOTHING;
    }
    const { core, observer } = this.#options;
    if (tellsNothing(core.registry, input)) {
      observer.factTaken(type, false);
      return CHANGED_NOTHING;
    }
    const applied = this.#apply(this.#dated(input));
    if (!applied.record) return CHANGED_NOTHING;
    const { seq } = applied.record;
    return new Promise((resolve) => this.#waiting.set(seq, resolve));
  }

  /** Age of the oldest record that is not durable yet. */
  lagMs(): number {
    return this.#committer.lagMs();
  }

  /** Asks for a run of the planner, as soon as its interval allows. */
  replan(): void {
    this.#planDirty = true;
    this.#armPlan();
  }

  /** Writes what is pending and a checkpoint, and takes nothing more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#planTimer?.();
    this.#tickTimer?.();
    await this.#committer.close();
    // What the journal would not take has not happened.
    for (const resolve of this.#waiting.values()) resolve(false);
    this.#waiting.clear();
    this.#released.complete();
  }

  /** With its time. A start alone may set the journal's time back, and says so: the wall clock was, since the last run. */
  #dated(input: FactInput): Fact {
    if (input.type === "daemon.started") {
      const nowMs = this.#options.clock.nowMs();
      const setBack = setBackAt(this.#options.core, nowMs);
      if (setBack) return { ...input, atMs: nowMs, setBack };
    }
    return { ...input, atMs: this.#nowMs() };
  }

  /** Until the start is taken in, the journal's time may be ahead of the clock. */
  #nowMs(): number {
    return Math.max(this.#options.clock.nowMs(), this.#options.core.atMs);
  }

  #apply(fact: Fact): Applied {
    const { core, observer } = this.#options;
    let applied: Applied;
    try {
      applied = core.apply(fact);
    } catch (error) {
      observer.broke(error);
      throw error;
    }
    observer.factTaken(fact.type, applied.record !== undefined);
    if (applied.record) this.#follow(applied.record, applied);
    return applied;
  }

  #follow(record: JournalRecord, applied: Applied): void {
    this.#committer.add(record, applied.changes);
    for (const change of applied.changes) this.#setDeadline(change);
    this.#armTick();
    if (applied.changes.length > 0) this.replan();
  }

  #release({ records }: Batch): void {
    for (const { record, changes } of records) {
      this.readModel.release(record.seq, changes);
      this.readModel.limits =
        record.limits ?? this.readModel.limits ?? this.#options.core.limits ?? undefined;
      this.#released.next({ record, changes });
      this.#waiting.get(record.seq)?.(true);
      this.#waiting.delete(record.seq);
    }
    // A run that had to wait for the journal is due now.
    if (this.#planDirty) this.#armPlan();
  }

  /** What the fold of the journal came to is durable, and its deadlines run on. */
  #adoptState(): void {
    const { core } = this.#options;
    for (const kind of [
      "worker",
      "container",
      "supervisor",
      "quota",
      "capacity",
      "throttle",
    ] as const)
      for (const [id, snapshot] of core.registry.entries(kind)) {
        this.readModel.set(kind, id, snapshot);
        this.#deadlines.set(actorKey(kind, id), dueAtMs(kind, snapshot));
      }
    this.readModel.seq = core.seq;
    this.readModel.limits = core.limits ?? undefined;
  }

  #setDeadline({ key, kind, after, removed }: Change): void {
    this.#deadlines.set(key, removed ? null : dueAtMs(kind, after));
  }

  #armTick(): void {
    const nextAtMs = this.#deadlines.nextAtMs();
    if (nextAtMs === this.#tickAtMs || this.#stopped) return;
    this.#tickTimer?.();
    this.#tickAtMs = nextAtMs;
    if (nextAtMs === undefined) return;
    const delayMs = Math.max(0, nextAtMs - this.#nowMs());
    this.#tickTimer = this.#options.clock.setTimer(delayMs, () => this.#tick());
  }

  #tick(): void {
    this.#tickAtMs = undefined;
    const nowMs = this.#nowMs();
    for (;;) {
      const key = this.#deadlines.takeDue(nowMs);
      if (key === undefined) break;
      this.#tickActor(key);
    }
    this.#armTick();
  }

  /** An actor that ignores its own deadline is not told again before it changes. */
  #tickActor(key: ActorKey): void {
    const actor = parseActorKey(key);
    if (!actor) return;
    const { kind, id } = actor;
    const lastGoodProbeAtMs = kind === "worker" ? this.#options.watermarks.answeredAtMs(id) : null;
    void this.submit({ type: "clock.ticked", actorKind: kind, actorId: id, lastGoodProbeAtMs });
  }

  #armPlan(): void {
    if (this.#planTimer || this.#stopped || !this.#options.core.settings) return;
    this.#planTimer = this.#options.clock.setTimer(this.settings.planIntervalMs, () => {
      this.#planTimer = undefined;
      this.#plan();
    });
  }

  #plan(): void {
    if (!this.#planDirty || !this.accepting) return;
    this.#planDirty = false;
    const { watermarks, observer, stopwatchMs } = this.#options;
    const beganMs = stopwatchMs();
    const applied = this.#apply({
      type: "planner.ran",
      atMs: this.#nowMs(),
      polledSeq: watermarks.polledSeq(),
      answeredSeq: watermarks.answeredSeq(),
      seen503AtMs: watermarks.seen503AtMs(),
    });
    observer.plannerRan(stopwatchMs() - beganMs);
    const { queue } = applied;
    if (queue?.metrics) this.readModel.takePlan(queue.statuses, queue.metrics);
  }
}
