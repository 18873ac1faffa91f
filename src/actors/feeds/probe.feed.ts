import { Subject, takeUntil } from "rxjs";
import { ONLY } from "../../machines/model/ids.ts";
import { lifecycleMeta, mayHide } from "../../machines/worker/worker.machine.ts";
import type { WorkerSnapshot } from "../../machines/worker/worker.machine.ts";
import { heed } from "../../machines/worker/worker.report.ts";
import type { Heeded, Report } from "../../machines/worker/worker.report.ts";
import type { WorkerContext } from "../../machines/worker/worker.types.ts";
import type { Clock } from "../clock.ts";
import type { Supervisor } from "../supervisor.ts";
import type { CallOutcome, ListOutcome, WorkerCalls } from "../worker-calls.ts";
import { paced } from "./paced.ts";
import { Rounds } from "./rounds.ts";

export interface ProbeOptions {
  readonly supervisor: Pick<Supervisor, "submit" | "seq" | "known" | "knownSettings" | "accepting">;
  readonly clock: Clock;
  readonly calls: Pick<WorkerCalls, "bootProbe" | "deploy" | "list">;
  /** 0 to 1. */
  readonly random: () => number;
  readonly probeIntervalMs: number;
  readonly maxProbesPerSecond: number;
  /** The cloud has shown the instance to this run, which cannot ask it before. */
  readonly isListed: (instanceId: string) => boolean;
  /** A run probe ended, for the metric of specification §12. */
  readonly onRunProbe: (outcome: "success" | "fail", durationMs: number) => void;
  readonly broke: (error: unknown) => void;
}

const PROBES_AT_ONCE_MAX = 500;

type Overlong = Omit<Heeded, "containerIds">;

/** Probes every worker that the cloud has named, in rounds (specification §7.8), and remembers when each last answered well. */
export class ProbeFeed {
  readonly #options: ProbeOptions;
  readonly #rounds: Rounds;
  readonly #wanted = new Subject<string>();
  readonly #stopped = new Subject<void>();
  /** At most one probe a worker at a time, waiting ones included. */
  readonly #probing = new Set<string>();
  readonly #lastGoodAtMs = new Map<string, number>();
  /** Where the newest probe of each began of which the listing counted. */
  readonly #lastGoodSeq = new Map<string, number>();
  /** Since when each could be asked. */
  readonly #firstAskedAtMs = new Map<string, number>();
  readonly #startedAtMs: number;

  constructor(options: ProbeOptions) {
    this.#options = options;
    const { clock, maxProbesPerSecond, broke } = options;
    this.#startedAtMs = clock.nowMs();
    this.#rounds = new Rounds({ clock, broke, round: () => this.#round() });
    const paceMs = 1000 / maxProbesPerSecond;
    const run = (workerId: string): Promise<void> => this.#probe(workerId);
    this.#wanted
      .pipe(paced({ clock, paceMs, atOnceMax: PROBES_AT_ONCE_MAX, run }), takeUntil(this.#stopped))
      .subscribe({ error: broke });
  }

  start(): void {
    this.#rounds.start();
  }

  stop(): void {
    this.#rounds.stop();
    this.#stopped.next();
  }

  /** Probes a worker before its turn, as soon as the pace allows. */
  want(workerId: string): void {
    if (this.#probing.has(workerId)) return;
    this.#probing.add(workerId);
    this.#wanted.next(workerId);
  }

  /** When it last answered this run well, or null. */
  answeredAtMs(workerId: string): number | null {
    return this.#lastGoodAtMs.get(workerId) ?? null;
  }

  /**
   * Where the oldest of the newest answers began of those workers that may run what this run has not started; 0 while one of
   * them has not answered, the newest `seq` when there is none.
   */
  answeredSeq(): number {
    const { known, seq } = this.#options.supervisor;
    const startedSeq = this.#startedSeq;
    let oldestSeq = seq;
    for (const [workerId, worker] of known.unordered("worker"))
      if (mayHide(worker, startedSeq))
        oldestSeq = Math.min(oldestSeq, this.#lastGoodSeq.get(workerId) ?? 0);
    return oldestSeq;
  }

  /**
   * Never before this run could ask the worker: fresh deadlines after a restart. While the cloud does not list, nobody
   * knows where a worker of the last run is, and its silence says nothing.
   */
  lastGoodProbeAtMs(workerId: string): number {
    const answeredAtMs = this.#lastGoodAtMs.get(workerId);
    if (answeredAtMs !== undefined) return answeredAtMs;
    const context = this.#options.supervisor.known.get("worker", workerId)?.context;
    if (context && context.appearedSeq > this.#startedSeq) return context.appearedAtMs;
    return this.#firstAskedAtMs.get(workerId) ?? this.#startedAtMs;
  }

  get #startedSeq(): number {
    return this.#options.supervisor.known.get("supervisor", ONLY)?.context.startedSeq ?? 0;
  }

  async #round(): Promise<number> {
    const { supervisor, clock, random, probeIntervalMs } = this.#options;
    // Many dispatchers started together should not probe together (specification §7.8).
    await new Promise<void>((resolve) =>
      clock.setTimer((random() * probeIntervalMs) / 23, resolve),
    );
    if (supervisor.accepting)
      for (const workerId of supervisor.known.ids("worker"))
        if (!this.#probing.has(workerId) && this.#isProbed(workerId)) this.want(workerId);
    this.#forgetGone();
    return probeIntervalMs;
  }

  #forgetGone(): void {
    const { known } = this.#options.supervisor;
    for (const times of [this.#lastGoodAtMs, this.#lastGoodSeq, this.#firstAskedAtMs]) {
      if (times.size <= known.size("worker")) continue;
      for (const workerId of times.keys())
        if (!known.get("worker", workerId)) times.delete(workerId);
    }
  }

  #isProbed(workerId: string): boolean {
    const { supervisor, isListed } = this.#options;
    const worker = supervisor.known.get("worker", workerId);
    if (!worker) return false;
    return lifecycleMeta(worker.value.lifecycle).isProbed && isListed(worker.context.instanceId);
  }

  async #probe(workerId: string): Promise<void> {
    try {
      const worker = this.#options.supervisor.known.get("worker", workerId);
      if (worker && this.#isProbed(workerId)) await this.#probeWorker(worker);
    } finally {
      this.#probing.delete(workerId);
    }
  }

  async #probeWorker({ value, context }: WorkerSnapshot): Promise<void> {
    const { supervisor, clock, calls } = this.#options;
    const startedAtMs = clock.nowMs();
    if (!this.#firstAskedAtMs.has(context.workerId))
      this.#firstAskedAtMs.set(context.workerId, startedAtMs);
    const basedOnSeq = supervisor.seq;
    const { workerId } = context;
    const unknown = value.lifecycle === "unknown";
    const isNew = unknown || value.lifecycle === "booting";
    const boot: CallOutcome = isNew ? await calls.bootProbe(context) : { ok: true };
    const deployed: CallOutcome =
      isNew && (boot.ok || unknown) ? await calls.deploy(this.#now(context)) : { ok: true };
    const booted = boot.ok && deployed.ok;
    const bootError = boot.ok ? (deployed.ok ? "" : deployed.error) : boot.error;
    const fail = (broken: boolean, error: string, overlong: Overlong = {}): void => {
      const lastGoodProbeAtMs = this.lastGoodProbeAtMs(workerId);
      const observed = { workerId, basedOnSeq, startedAtMs, lastGoodProbeAtMs, ...overlong };
      void supervisor.submit({ type: "probe.failed", ...observed, booted, broken, error });
    };
    if (!booted && !unknown) return fail(false, bootError);
    const listing = await this.#list(this.#now(context));
    if (!listing.ok) return fail(listing.broken === true, listing.error, countOf(listing));
    const { broken, stale } = listing;
    // Not booted, nothing listed and nothing known to run: no better than no answer (specification §7.8 step 5).
    if (!booted && listing.containerIds.length === 0 && !this.#hasProcesses(workerId))
      return fail(broken, bootError);
    this.#lastGoodAtMs.set(workerId, clock.nowMs());
    const { containerIds, ...overlong } = this.#heed(this.#now(context), listing);
    // Which of them the queue has cannot be told yet: that the worker runs none of them must not be believed.
    if (overlong.reportedCount !== undefined && !this.#hasPolled())
      return fail(broken, "it names more processes than it may", overlong);
    // The worker's machine passes over a listing that is older than what has changed since.
    const { updatedSeq = Infinity } = supervisor.known.get("worker", workerId)?.context ?? {};
    if (basedOnSeq >= updatedSeq) this.#lastGoodSeq.set(workerId, basedOnSeq);
    void supervisor.submit({
      type: "probe.succeeded",
      workerId,
      basedOnSeq,
      startedAtMs,
      booted,
      containerIds,
      broken,
      stale,
      bootError,
      ...overlong,
    });
  }

  #heed(context: WorkerContext, report: Report): Heeded {
    const { known, knownSettings } = this.#options.supervisor;
    if (!knownSettings) return { containerIds: [...report.containerIds] };
    return heed(report, context, knownSettings, (id) => known.get("container", id) !== undefined);
  }

  /** The queue has been read since this run began. */
  #hasPolled(): boolean {
    return this.#options.supervisor.known.get("supervisor", ONLY)?.context.polled === true;
  }

  /** A call may have taken so long that a list has shown the worker at another address since. */
  #now(context: WorkerContext): WorkerContext {
    return this.#options.supervisor.known.get("worker", context.workerId)?.context ?? context;
  }

  async #list(worker: WorkerContext): Promise<ListOutcome> {
    const { clock, calls, onRunProbe } = this.#options;
    const beganMs = clock.nowMs();
    const listing = await calls.list(worker);
    onRunProbe(listing.ok ? "success" : "fail", clock.nowMs() - beganMs);
    return listing;
  }

  #hasProcesses(workerId: string): boolean {
    const worker = this.#options.supervisor.known.get("worker", workerId);
    return Object.keys(worker?.context.processes ?? {}).length > 0;
  }
}

function countOf({ reportedCount }: { readonly reportedCount?: number }): Overlong {
  return reportedCount === undefined ? {} : { reportedCount };
}
