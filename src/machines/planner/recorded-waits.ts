import type { WaitReason } from "../model/decision.ts";
import { isWaiting, ownReason, type QueueEntry } from "./queue-entry.ts";

type EntriesByReason = Map<WaitReason | "", Set<QueueEntry>>;

/** The containers by the recorded reason why they wait, so that a pass finds those whose reason is another one now. */
export class RecordedWaits {
  /** Those whose reason no pass can change, where another one is recorded. */
  readonly #wrong = new Set<QueueEntry>();
  readonly #idleSupervisors = new Set<QueueEntry>();
  readonly #supervisors: EntriesByReason = new Map();
  readonly #others: EntriesByReason = new Map();

  get wrong(): ReadonlySet<QueueEntry> {
    return this.#wrong;
  }

  /** Workflows that do not wait, and that may be one too many all the same: there are few. */
  get idleSupervisors(): ReadonlySet<QueueEntry> {
    return this.#idleSupervisors;
  }

  /** Those that wait, and whose reason is up to the pass. */
  get supervisors(): ReadonlyMap<WaitReason | "", ReadonlySet<QueueEntry>> {
    return this.#supervisors;
  }

  get others(): ReadonlyMap<WaitReason | "", ReadonlySet<QueueEntry>> {
    return this.#others;
  }

  add(entry: QueueEntry): void {
    this.#setOf(entry)?.add(entry);
  }

  remove(entry: QueueEntry): void {
    this.#setOf(entry)?.delete(entry);
  }

  #setOf({ item, waitReason }: QueueEntry): Set<QueueEntry> | undefined {
    if (!item) return undefined;
    const own = ownReason(item);
    if (own !== undefined) return own === waitReason ? undefined : this.#wrong;
    if (!isWaiting(item.container)) return this.#idleSupervisors;
    const byReason = item.container.supervisor ? this.#supervisors : this.#others;
    let entries = byReason.get(waitReason);
    if (!entries) byReason.set(waitReason, (entries = new Set()));
    return entries;
  }
}
