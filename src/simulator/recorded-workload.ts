import type { Change } from "../machines/core/draft.ts";
import type { ContainerSnapshot } from "../machines/container/container.machine.ts";
import type { FactOf } from "../machines/model/fact.ts";
import type { JournalRecord } from "../machines/model/record.ts";
import type { WorkerSnapshot } from "../machines/worker/worker.machine.ts";
import type { CloudErrorWindow, Job, Workload } from "./workload.ts";

interface Seen {
  readonly record: Job["record"];
  readonly submitAtMs: number;
  startedAtMs?: number;
  endedAtMs?: number;
  cancelAtMs?: number;
}

/** A cloud that said no is taken to go on saying it for as long as the dispatcher believes it to (specification §7.6). */
const ERROR_LASTS_MS = 60_000;

/**
 * A workload as a journal has it: arrivals, durations, boot times and the cloud's refusals, as far as the dispatcher saw
 * them: a duration is known to within a probe or a poll. Fed with the journal's records in order.
 */
export class RecordedWorkload {
  readonly #seen = new Map<string, Seen>();
  readonly #bootTimesMs: number[] = [];
  readonly #createTimesMs: number[] = [];
  readonly #errors: CloudErrorWindow[] = [];
  readonly #createsAtMs = new Map<string, number>();
  readonly #typeOf = new Map<string, string>();
  #firstAtMs: number | undefined;
  #lastAtMs = 0;
  #instancesCount = 0;

  follow({ fact, commands }: JournalRecord, changes: readonly Change[]): void {
    this.#firstAtMs ??= fact.atMs;
    this.#lastAtMs = fact.atMs;
    for (const command of commands) {
      if (command.kind !== "instance.create") continue;
      this.#createsAtMs.set(command.workerId, fact.atMs);
      this.#typeOf.set(command.workerId, command.instanceType);
    }
    if (fact.type === "create.succeeded") {
      const sinceMs = this.#createsAtMs.get(fact.workerId);
      if (sinceMs !== undefined) this.#createTimesMs.push(fact.atMs - sinceMs);
      this.#endError(fact);
    }
    if (fact.type === "create.failed") this.#addError(fact);
    for (const change of changes) {
      if (change.kind === "worker") this.#followWorker(change);
      else if (change.kind === "container") this.#followContainer(change, fact.atMs);
    }
  }

  /** Instants count from the first record. Containers that never ran get the median duration of those that did. */
  finish(): Workload {
    const fromMs = this.#firstAtMs ?? 0;
    const durations = [...this.#seen.values()].flatMap((seen) => {
      if (seen.cancelAtMs !== undefined) return [];
      const durationMs = durationOf(seen);
      return durationMs === undefined ? [] : [durationMs];
    });
    durations.sort((a, b) => a - b);
    const medianMs = durations[Math.floor(durations.length / 2)] ?? 60_000;
    const jobs = [...this.#seen].map(([containerId, seen]) => ({
      containerId,
      submitAtMs: Math.max(0, seen.submitAtMs - fromMs),
      durationMs: this.#durationOf(seen, medianMs),
      record: { ...seen.record, state: "Queued" as const },
      ...(seen.cancelAtMs === undefined ? {} : { cancelAtMs: seen.cancelAtMs - fromMs }),
    }));
    return {
      jobs,
      bootTimesMs: this.#bootTimesMs,
      createTimesMs: this.#createTimesMs,
      errors: this.#errors.map((error) => ({
        ...error,
        fromMs: error.fromMs - fromMs,
        toMs: error.toMs - fromMs,
      })),
    };
  }

  /**
   * One that still runs at the end takes at least as long as it has until now, and one whose user gave it up would have
   * gone on, however early it was started.
   */
  #durationOf(seen: Seen, medianMs: number): number {
    const { submitAtMs, startedAtMs, cancelAtMs } = seen;
    if (cancelAtMs !== undefined) return medianMs + cancelAtMs - submitAtMs;
    const durationMs = durationOf(seen);
    if (durationMs !== undefined || startedAtMs === undefined) return durationMs ?? medianMs;
    return Math.max(medianMs, this.#lastAtMs - startedAtMs);
  }

  #followWorker({ before, after, removed }: Change): void {
    const was = (before as WorkerSnapshot | undefined)?.context;
    const { context } = after as WorkerSnapshot;
    if (context.instanceId !== "" && (was?.instanceId ?? "") === "" && !removed)
      this.#instancesCount++;
    if (removed && was && was.instanceId !== "") this.#instancesCount--;
    const isReady = context.readyAtMs !== null && (was?.readyAtMs ?? null) === null;
    // One that was adopted has booted before anybody looked.
    if (isReady && this.#createsAtMs.has(context.workerId))
      this.#bootTimesMs.push((context.readyAtMs ?? 0) - context.appearedAtMs);
  }

  #followContainer({ id, before, after }: Change, atMs: number): void {
    const was = before as ContainerSnapshot | undefined;
    const { value, context } = after as ContainerSnapshot;
    if (context.record && !this.#seen.has(id)) {
      const record = { ...context.record, priority: context.priority };
      this.#seen.set(id, { record, submitAtMs: context.firstSeenAtMs });
    }
    const seen = this.#seen.get(id);
    if (!seen) return;
    const runs = value.process === "running" || value.record === "Running";
    if (runs) seen.startedAtMs ??= atMs;
    const ended = value.process === "exited" || value.record === "Complete";
    if (ended && seen.startedAtMs !== undefined) seen.endedAtMs ??= atMs;
    // An end that is taken back was the last attempt's.
    if (value.record === "Queued" && seen.endedAtMs !== undefined) {
      delete seen.startedAtMs;
      delete seen.endedAtMs;
    }
    const wanted = BigInt(was?.context.priority ?? "1") > 0n;
    if (wanted && BigInt(context.priority) <= 0n && seen.endedAtMs === undefined)
      seen.cancelAtMs ??= atMs;
  }

  #addError({ failure, workerId, atMs }: FactOf<"create.failed">): void {
    const instanceType = this.#typeOf.get(workerId) ?? "";
    this.#errors.push({
      fromMs: atMs,
      toMs: atMs + ERROR_LASTS_MS,
      failure,
      instanceType,
      instancesCount: this.#instancesCount,
    });
  }

  /** A create that works shows that the refusal is over. */
  #endError({ workerId, atMs }: FactOf<"create.succeeded">): void {
    const instanceType = this.#typeOf.get(workerId);
    for (const [at, error] of this.#errors.entries()) {
      const concerned = error.failure.code === "quota" || error.instanceType === instanceType;
      if (concerned && error.toMs > atMs)
        this.#errors[at] = { ...error, toMs: Math.max(error.fromMs, atMs) };
    }
  }
}

function durationOf({ startedAtMs, endedAtMs }: Seen): number | undefined {
  if (startedAtMs === undefined || endedAtMs === undefined) return undefined;
  return Math.max(1, endedAtMs - startedAtMs);
}
