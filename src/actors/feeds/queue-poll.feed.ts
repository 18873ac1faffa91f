import { from, lastValueFrom, mergeMap } from "rxjs";
import { QueueError } from "../../drivers/queue/port.ts";
import type { Queue, QueuePoll, RejectedRow } from "../../drivers/queue/port.ts";
import type { ContainerEnd, ContainerRecord, ContainerState } from "../../machines/model/fact.ts";
import type { Clock } from "../clock.ts";
import { DeadlineError, withDeadline } from "../deadline.ts";
import type { Supervisor } from "../supervisor.ts";
import { Rounds } from "./rounds.ts";

export interface QueuePollOptions {
  readonly supervisor: Pick<Supervisor, "submit" | "seq" | "known" | "accepting" | "replan">;
  readonly clock: Clock;
  readonly queue: Queue;
  /** Where the oldest of the newest answers of workers began that may run what this run has not started. */
  readonly answeredSeq: () => number;
  readonly pollIntervalMs: number;
  readonly timeoutMs: number;
  readonly clean: (text: string) => string;
  /** "" when a poll came through. */
  readonly onOutcome: (failure: string) => void;
  readonly broke: (error: unknown) => void;
}

const SOON_MS = 500;
/** Mounts fetched at once for containers that are new. */
const MOUNTS_AT_ONCE_MAX = 8;

/** Characters of what is kept for people. */
const NAME_MAX = 200;
const TEXT_MAX = 2_000;

/** Polls the queue (specification §4.2) and hands on what differs from what is known. */
export class QueuePollFeed {
  readonly #options: QueuePollOptions;
  readonly #rounds: Rounds;
  #polledSeq = 0;
  #answeredSeq = 0;

  constructor(options: QueuePollOptions) {
    this.#options = options;
    const { clock, broke } = options;
    this.#rounds = new Rounds({ clock, broke, round: () => this.#round() });
  }

  start(): void {
    this.#rounds.start();
  }

  stop(): void {
    this.#rounds.stop();
  }

  /** A record is expected to have changed. */
  soon(): void {
    this.#rounds.soon(Math.min(SOON_MS, this.#options.pollIntervalMs));
  }

  /** The newest `seq` when the newest complete poll began: the queue's threshold (specification §4.2). */
  polledSeq(): number {
    return this.#polledSeq;
  }

  /** What the workers had answered when the newest complete poll began. */
  answeredSeq(): number {
    return this.#answeredSeq;
  }

  /** The pause is at least as long as the poll took (specification §6.1). */
  async #round(): Promise<number> {
    const { supervisor, clock, pollIntervalMs, onOutcome } = this.#options;
    if (!supervisor.accepting) return SOON_MS;
    const startedAtMs = clock.nowMs();
    const basedOnSeq = supervisor.seq;
    const answeredSeq = this.#options.answeredSeq();
    try {
      const poll = await this.#poll();
      onOutcome("");
      if (!supervisor.accepting) return SOON_MS;
      if (!(await this.#handOn(poll, basedOnSeq))) return Math.max(pollIntervalMs / 10, 1000);
      this.#polledSeq = basedOnSeq;
      this.#answeredSeq = answeredSeq;
      void supervisor.submit({ type: "queue.polled", basedOnSeq, startedAtMs });
      supervisor.replan();
    } catch (error) {
      if (!(error instanceof QueueError) && !(error instanceof DeadlineError)) throw error;
      onOutcome(error.message);
      if (this.#polledSeq === 0) return Math.max(pollIntervalMs / 10, 1000);
    }
    return Math.max(pollIntervalMs, clock.nowMs() - startedAtMs);
  }

  #poll(): Promise<QueuePoll> {
    const { clock, queue, timeoutMs } = this.#options;
    const open = this.#open();
    return withDeadline(clock, timeoutMs, (signal) => queue.poll(open, signal));
  }

  /** Those whose end the queue has not told yet. */
  #open(): string[] {
    const open: string[] = [];
    for (const [containerId, { value }] of this.#options.supervisor.known.unordered("container")) {
      const { record } = value;
      if (record !== "unlisted" && record !== "Complete" && record !== "Cancelled")
        open.push(containerId);
    }
    return open;
  }

  /** What the queue is known to have said of a container, if it has ever shown it. */
  #recordOf(containerId: string): ContainerState | undefined {
    const record = this.#options.supervisor.known.get("container", containerId)?.value.record;
    return record === "unlisted" ? undefined : record;
  }

  /** Answers whether all is known now that may have a process: what is not known would be ended as a stranger. */
  async #handOn(poll: QueuePoll, basedOnSeq: number): Promise<boolean> {
    const { supervisor } = this.#options;
    const added: string[] = [];
    let unshownCount = supervisor.known.size("container");
    for (const [containerId, record] of poll.entries) {
      const known = supervisor.known.get("container", containerId);
      if (known) unshownCount--;
      if (!known || known.value.record === "unlisted") added.push(containerId);
      else if (known.value.record !== record.state || known.context.priority !== record.priority)
        void supervisor.submit({
          type: "container.changed",
          containerId,
          basedOnSeq,
          state: record.state,
          priority: record.priority,
          ...this.#endOf(poll.ends.get(containerId)),
        });
    }
    for (const [containerId, row] of poll.rejected) this.#reject(containerId, row, basedOnSeq);
    if (unshownCount > 0) this.#tellMissing(poll, basedOnSeq);
    await this.#add(added, poll, basedOnSeq);
    return !added.some((containerId) => {
      const { state } = poll.entries.get(containerId) as ContainerRecord;
      const known = supervisor.known.get("container", containerId)?.value.record ?? "unlisted";
      return known === "unlisted" && (state === "Locked" || state === "Running");
    });
  }

  /** Texts of users and runners: cut, and without secrets. */
  #endOf(end: ContainerEnd | undefined): { end?: ContainerEnd } {
    if (!end) return {};
    const clean = (text: string): string => this.#options.clean(text).slice(0, TEXT_MAX);
    return { end: { ...end, error: clean(end.error), warning: clean(end.warning) } };
  }

  #tellMissing(poll: QueuePoll, basedOnSeq: number): void {
    const { supervisor } = this.#options;
    for (const containerId of supervisor.known.ids("container")) {
      if (poll.entries.has(containerId) || poll.rejected.has(containerId)) continue;
      if (this.#recordOf(containerId) !== undefined)
        void supervisor.submit({ type: "container.missing", containerId, basedOnSeq });
    }
  }

  /** A record that cannot be read would be tried for ever: it is cancelled with the reason (specification §4.4). */
  #reject(containerId: string, { state, error }: RejectedRow, basedOnSeq: number): void {
    const { supervisor, clean } = this.#options;
    if (state === null || this.#recordOf(containerId) !== undefined) return;
    void supervisor.submit({
      type: "container.rejected",
      containerId,
      basedOnSeq,
      state,
      error: clean(error),
    });
  }

  /** Mounts are fetched once for each container, and only the space they need is kept. */
  async #add(containerIds: readonly string[], poll: QueuePoll, basedOnSeq: number): Promise<void> {
    const add = (id: string): Promise<void> =>
      this.#addOne(id, poll.entries.get(id) as ContainerRecord, basedOnSeq);
    await lastValueFrom(from(containerIds).pipe(mergeMap(add, MOUNTS_AT_ONCE_MAX)), {
      defaultValue: undefined,
    });
  }

  async #addOne(containerId: string, record: ContainerRecord, basedOnSeq: number): Promise<void> {
    const { supervisor, clock, queue, timeoutMs, onOutcome, clean } = this.#options;
    try {
      const tmpMounts = await withDeadline(clock, timeoutMs, (signal) =>
        queue.tmpMounts(containerId, signal),
      );
      const { name } = record;
      const named = name === undefined ? {} : { name: clean(name).slice(0, NAME_MAX) };
      const added = { ...record, ...named, tmpMounts };
      void supervisor.submit({ type: "container.added", containerId, basedOnSeq, record: added });
    } catch (error) {
      if (!(error instanceof QueueError) && !(error instanceof DeadlineError)) throw error;
      // Still unknown, so the next poll tries again.
      onOutcome(`error getting mounts of ${containerId}: ${error.message}`);
      if (!(error instanceof QueueError) || !error.undecodable) return;
      const words = clean(`error getting mounts from container record: ${error.message}`);
      const { state } = record;
      void supervisor.submit({
        type: "container.rejected",
        containerId,
        basedOnSeq,
        state,
        error: words,
      });
    }
  }
}
